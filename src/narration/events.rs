//! The three events of a page, as changes of its book's lanes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use app::model::{BookId, ListenerPosition};

use super::plan::{ChapterPlan, Segment};
use super::{NarrationError, Narrator, PREFETCH_SENTENCES, jobs};
use crate::queue::requests::ProgressDelta;
use crate::queue::{Class, Job, Listeners, Needed};
use crate::text::hash::ContentHash;

/// Times that lanes are looked at anew because listeners have moved meanwhile; then they keep what is not
/// needed.
const RETAIN_TRIES: usize = 5;

/// How much of what listeners need is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What they are about to hear.
    Prefetch,
    /// That, and their chapters with the next ones.
    All,
}

/// What stands between a person and the page that they listen on, in the name of a listener.
const LISTENS_ON: char = '/';

/// Whose listener this is; nobody's in particular where nobody has to log in.
fn user_of(listener: &str) -> &str {
    listener.split_once(LISTENS_ON).map_or("", |(user, _)| user)
}

impl Narrator {
    /// A position with the name under which its listener is known to all servers: what others need of a book is
    /// planned as they want it, whoever asks.
    fn own(&self, position: &ListenerPosition) -> ListenerPosition {
        let listener = format!("{}{LISTENS_ON}{}", self.library.user(), position.listener);
        ListenerPosition { listener, ..position.clone() }
    }

    /// The narrator as a listener has it.
    pub(super) fn of_listener(&self, position: &ListenerPosition) -> Self {
        self.of(self.library.trusted(user_of(&position.listener)))
    }

    /// The same position, if the listener sees the book.
    async fn checked(
        &self,
        position: &ListenerPosition,
    ) -> Result<ListenerPosition, NarrationError> {
        self.library.metadata(&position.book).await?;
        Ok(self.own(position))
    }

    /// What a listener hears of a chapter: the plan without what is passed over.
    async fn chosen_plan(
        &self,
        position: &ListenerPosition,
    ) -> Result<Arc<ChapterPlan>, NarrationError> {
        let listener = self.of_listener(position);
        let skipped = listener.library.recent_preferences().await?.skipped_in(&position.book);
        let (book, chapter) = (&position.book, position.chapter);
        let plan = listener.plan_worded(book, chapter, &position.voice, skipped.wording).await?;
        listener.as_chosen(plan, skipped, position.sentence as usize).await
    }

    /// A reader opened a chapter: it and the next one are enqueued in reading order. Returns the
    /// request's id, for [`request`](Self::request), or `None` when there is nothing left to make.
    ///
    /// # Errors
    /// When there is no such chapter or voice, or the queue refuses. What does not fit into a lane is left
    /// out, and asked for when it is nearer.
    pub async fn chapter_open(
        &self,
        position: &ListenerPosition,
    ) -> Result<Option<String>, NarrationError> {
        let position = &self.checked(position).await?;
        let queue = &self.shared.queue;
        if self.library.is_lent() {
            // A guest has nothing made but what follows where they are.
            self.next_sentences(position).await?;
            queue.set_listener_position(position).await?;
            return Ok(None);
        }
        let jobs = self.two_chapters(position).await?;
        queue.set_listener_position(position).await?;
        let missing = self.missing(jobs).await?;
        let mut jobs = self.afforded(self.paid(missing)).await;
        if jobs.is_empty() {
            return Ok(None);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let request: Arc<str> = id.as_str().into();
        for job in &mut jobs {
            job.request = Some(Arc::clone(&request));
        }
        // Known before the first of it can be done; what waited already belongs to another.
        let total = |total| ProgressDelta { total: Some(total), ..ProgressDelta::default() };
        queue.record_progress(&id, total(jobs.len())).await?;
        let enqueued = queue.enqueue(Class::Chapter, &position.book, &jobs).await?;
        queue.record_progress(&id, total(enqueued.added)).await?;
        Ok(Some(id))
    }

    /// A page came into view: its next sentences go ahead of everything else, and those that the listener
    /// has turned away from go.
    ///
    /// # Errors
    /// When there is no such chapter or voice, or the queue refuses.
    pub async fn page_open(&self, position: &ListenerPosition) -> Result<(), NarrationError> {
        let position = &self.checked(position).await?;
        let next = self.next_sentences(position).await?;
        let queue = &self.shared.queue;
        let before = queue.listeners(&position.book).await?;
        queue.set_listener_position(position).await?;
        let stale = self.stale_sentences(position, &next, &before).await;
        if !stale.is_empty() {
            // Whoever has moved since may need them.
            let version = Some(before.version + 1);
            queue.withdraw(Class::Prefetch, &position.book, &stale, version).await?;
        }
        self.enqueue(Class::Prefetch, &position.book, next).await
    }

    /// A listener moved to another chapter: the book's lanes keep what its listeners need, and get what this
    /// one needs.
    ///
    /// # Errors
    /// When there is no such chapter or voice, or the queue refuses.
    pub async fn chapter_change(&self, position: &ListenerPosition) -> Result<(), NarrationError> {
        let position = &self.checked(position).await?;
        // Only a position that exists counts: another would fail every later look at the book.
        let next = self.next_sentences(position).await?;
        let queue = &self.shared.queue;
        queue.set_listener_position(position).await?;
        for _ in 0..RETAIN_TRIES {
            let Listeners { positions, version } = queue.listeners(&position.book).await?;
            let needed = self.needed(&positions, Wanted::All).await?;
            if queue.retain(&position.book, &needed, version).await? {
                break;
            }
        }
        self.enqueue(Class::Prefetch, &position.book, next).await?;
        if self.library.is_lent() {
            return Ok(());
        }
        let chapters = self.two_chapters(position).await?;
        self.enqueue(Class::Chapter, &position.book, chapters).await
    }

    async fn enqueue(
        &self,
        class: Class,
        book: &BookId,
        jobs: Vec<Job>,
    ) -> Result<(), NarrationError> {
        let mut missing = self.missing(jobs).await?;
        if class == Class::Prefetch {
            missing.retain(|job| !self.is_unheard(job));
        }
        let jobs = self.afforded(self.paid(missing)).await;
        if !jobs.is_empty() {
            self.shared.queue.enqueue(class, book, &jobs).await?;
        }
        Ok(())
    }

    async fn next_sentences(
        &self,
        position: &ListenerPosition,
    ) -> Result<Vec<Job>, NarrationError> {
        let plan = self.chosen_plan(position).await?;
        Ok(jobs(&plan, position.sentence as usize, PREFETCH_SENTENCES))
    }

    /// From the listener's sentence to the end of the next chapter, then what lies before.
    async fn two_chapters(&self, position: &ListenerPosition) -> Result<Vec<Job>, NarrationError> {
        let plan = self.chosen_plan(position).await?;
        let mut all = jobs(&plan, position.sentence as usize, usize::MAX);
        if let Some(next) = self.next_plan(&plan).await? {
            all.extend(jobs(&next, 0, usize::MAX));
        }
        all.extend(jobs(&plan, 0, position.sentence as usize));
        Ok(all)
    }

    /// What a listener asked for with its last page and neither it nor another listener needs now.
    async fn stale_sentences(
        &self,
        position: &ListenerPosition,
        next: &[Job],
        before: &Listeners,
    ) -> Vec<Job> {
        let is_same = |known: &&ListenerPosition| known.listener == position.listener;
        let Some(last) = before.positions.iter().find(is_same) else { return Vec::new() };
        let Ok(mut stale) = self.next_sentences(last).await else { return Vec::new() };
        let mut needed: HashSet<ContentHash> = next.iter().map(|job| job.content).collect();
        stale.retain(|job| !needed.contains(&job.content));
        if stale.is_empty() {
            return stale;
        }
        let others: Vec<_> =
            before.positions.iter().filter(|known| !is_same(known)).cloned().collect();
        match self.needed(&others, Wanted::Prefetch).await {
            Ok(of_others) => needed.extend(of_others.prefetch),
            // In doubt they are needed.
            Err(_) => return Vec::new(),
        }
        stale.retain(|job| !needed.contains(&job.content));
        stale
    }

    /// What listeners of a book need. Each chapter is looked at once, however many are in it and hear it alike.
    async fn needed(
        &self,
        positions: &[ListenerPosition],
        wanted: Wanted,
    ) -> Result<Needed, NarrationError> {
        let mut needed = Needed::default();
        let mut plans: HashMap<(&str, u32, &str), Option<Arc<ChapterPlan>>> = HashMap::new();
        // People who have chosen nothing of their own share a plan.
        let mut added: Vec<Arc<ChapterPlan>> = Vec::new();
        for position in positions {
            let user = user_of(&position.listener);
            let plan = match plans.entry((user, position.chapter, position.voice.as_str())) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.plan_at(position).await),
            };
            if let Some(plan) = plan
                && wanted == Wanted::All
                && !added.iter().any(|known| Arc::ptr_eq(known, plan))
            {
                added.push(Arc::clone(plan));
                let next = self.of_listener(position).next_plan(plan).await?;
                for plan in [Some(&*plan), next.as_ref()].into_iter().flatten() {
                    let jobs = plan.segments.iter().flat_map(Segment::jobs);
                    needed.chapter.extend(jobs.map(|job| job.content));
                }
            }
            if let Some(plan) = plan {
                let next = jobs(plan, position.sentence as usize, PREFETCH_SENTENCES);
                needed.prefetch.extend(next.iter().map(|job| job.content));
            }
        }
        Ok(needed)
    }

    /// The chapter of a listener. `None` when this server cannot read there, as when it does not have the voice: no
    /// reason to fail the others.
    async fn plan_at(&self, position: &ListenerPosition) -> Option<Arc<ChapterPlan>> {
        match self.chosen_plan(position).await {
            Ok(plan) => Some(plan),
            Err(error) => {
                tracing::warn!(position.listener, %error, "a listener is where nobody can read");
                None
            }
        }
    }
}
