//! What there is only so much of, for all together and for each client: connections, streams.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

/// How much there is, and who has how much of it.
#[derive(Debug)]
pub struct Slots {
    all: usize,
    each: usize,
    /// A std mutex: held for a map operation, never across an await.
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// Why nothing could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoSlot {
    /// All together have as much as there is.
    #[error("all together have as many as there are")]
    All,
    /// This client has as much as one may have.
    #[error("this client has as many as one may have")]
    Client,
}

/// One of them, which is given back when this goes.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    client: Option<IpAddr>,
}

impl Slots {
    /// So much for `all` together, and so much for `each` client.
    pub fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, taken: Mutex::default() })
    }

    /// How many are taken, and how many there are.
    pub fn fill(&self) -> (usize, usize) {
        (self.taken.lock().unwrap_or_else(PoisonError::into_inner).all, self.all)
    }

    /// Takes one, for a client or for nobody in particular.
    ///
    /// # Errors
    /// When there is none left, or none for this client.
    pub fn take(self: &Arc<Self>, client: Option<IpAddr>) -> Result<Slot, NoSlot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.all {
            return Err(NoSlot::All);
        }
        if let Some(client) = client {
            let own = taken.by_client.get(&client).copied().unwrap_or_default();
            if own >= self.each {
                return Err(NoSlot::Client);
            }
            taken.by_client.insert(client, own + 1);
        }
        taken.all += 1;
        Ok(Slot { slots: Arc::clone(self), client })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(client) = self.client
            && let Some(own) = taken.by_client.get_mut(&client)
        {
            *own -= 1;
            if *own == 0 {
                taken.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let slots = Slots::new(3, 2);
        let (a, b) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        let first = slots.take(a).unwrap();
        let _second = slots.take(a).unwrap();
        assert_eq!(slots.take(a).unwrap_err(), NoSlot::Client);
        let third = slots.take(None).unwrap();
        assert_eq!(slots.fill(), (3, 3));
        assert_eq!(slots.take(b).unwrap_err(), NoSlot::All);
        drop(third);
        let _of_another = slots.take(b).unwrap();
        drop(first);
        let _again = slots.take(a).unwrap();
        assert_eq!(slots.taken.lock().unwrap().by_client.len(), 2);
    }
}
