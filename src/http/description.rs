//! What other programs can ask for: one table, from which come the OpenAPI description, the page for
//! developers and the tests that hold both to the routes there are.

use std::sync::LazyLock;

use app::model::{
    Annotation, BookCard, EndpointCard, EngineCard, Hit, ImportedCard, ListenerPosition,
    NewAnnotation, Outline, PackCard, PersonCard, Progress, Pronunciation, SessionCard,
    StorageFigures, TimelineEntry, TokenCard, Voice,
};
use axum::Json;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{
    ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type,
};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, Info, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr,
    Required, ResponseBuilder, Schema,
};

use super::accounts::{NewToken, PasswordForm, PersonForm, RoleForm, TokenForm};
use super::api::{BookAnswer, ChapterAnswer, HealthAnswer};
use super::engines::EngineForm;
use super::error::Problem;
use super::passages::{MatterForm, PassageForm};
use super::pronunciations::{LexiconAnswer, PronunciationForm};
use super::storage::LimitsForm;
use super::voice::{SpeechRequest, VoiceAnswer, VoiceRequest};
use crate::narration::ChapterCoverage;
use crate::queue::requests::RequestStatus;

/// Schemas by name.
type Schemas = Vec<(String, RefOr<Schema>)>;
/// Makes a schema, and adds those it refers to.
type Shape = fn(&mut Schemas) -> RefOr<Schema>;

/// Something to ask for.
struct Endpoint {
    group: &'static str,
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    /// Parameters of the query, and what they say.
    query: &'static [(&'static str, &'static str)],
    /// What is sent: its content type and shape.
    body: Option<(&'static str, Shape)>,
    /// What comes back.
    answer: Option<(&'static str, Shape)>,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MP3: &str = "audio/mpeg";
const VOICE: (&str, &str) = ("voice", "A voice’s id; the book’s default when empty");
const FROM: (&str, &str) = ("from", "The sentence to begin with");
const PAUSES: (&str, &str) = (
    "pauses",
    "How long the voice rests: “normal”, “brisk”, “calm”, or “own-5-5-5-5” with steps from 1 to 9 for sentences, paragraphs, headings and breaks; as chosen in the settings when left out",
);
const SKIP: (&str, &str) = (
    "skip",
    "What is passed over: a list of “titles”, “matter”, “notes”, “tables”, “code”, “captions”, “pictures”, “citations” and “links”, or “sites” for web addresses by their name; as chosen in the settings when left out",
);
const FALLBACK: (&str, &str) = (
    "fallback",
    "A voice that speaks what the other cannot; the one chosen in the settings when left out",
);

fn of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn list<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(of::<T>(schemas)).into())
}

fn text(_: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).into())
}

fn sound(_: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(binary().into())
}

fn binary() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format))
}

/// A form whose fields are text.
fn form(fields: &[(&str, &str)]) -> RefOr<Schema> {
    let field = |form: ObjectBuilder, (name, says): &(&str, &str)| {
        let field = ObjectBuilder::new().schema_type(Type::String).description(Some(*says));
        form.property(*name, field)
    };
    RefOr::T(fields.iter().fold(ObjectBuilder::new(), field).into())
}

fn names(_: &mut Schemas) -> RefOr<Schema> {
    form(&[("title", "The new title"), ("authors", "Semicolons between them")])
}

fn note(_: &mut Schemas) -> RefOr<Schema> {
    form(&[("note", "What the reader says to it; may be empty")])
}

fn files(_: &mut Schemas) -> RefOr<Schema> {
    let files = ArrayBuilder::new().items(binary()).description(Some("EPUB or plain text"));
    RefOr::T(ObjectBuilder::new().property("file", files).required("file").into())
}

fn object(_: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().into())
}

fn get(
    group: &'static str,
    path: &'static str,
    summary: &'static str,
    answer: (&'static str, Shape),
) -> Endpoint {
    Endpoint {
        group,
        method: HttpMethod::Get,
        path,
        summary,
        query: &[],
        body: None,
        answer: Some(answer),
    }
}

fn send(
    method: HttpMethod,
    group: &'static str,
    path: &'static str,
    summary: &'static str,
    body: Option<(&'static str, Shape)>,
    answer: Option<(&'static str, Shape)>,
) -> Endpoint {
    Endpoint { group, method, path, summary, query: &[], body, answer }
}

impl Endpoint {
    fn asking(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    use HttpMethod::{Delete, Post, Put};
    const BOOKS: &str = "Books";
    const LISTENING: &str = "Listening";
    const SPEECH: &str = "Speech for other programs";
    const PEOPLE: &str = "People";
    const RUNNING: &str = "Running it";
    vec![
        send(Post, SPEECH, "/api/voice", "Speaks a text. What was spoken before is not made again, whoever asked for it. More than a sentence is split, and kept by the sentence.", Some((JSON, of::<VoiceRequest>)), Some((JSON, of::<VoiceAnswer>))),
        get(SPEECH, "/api/voice", "The audio of a text that was spoken.", (MP3, sound)).asking(&[("contentHash", "As the answer to POST names it")]),
        send(Post, SPEECH, "/v1/audio/speech", "OpenAI’s request: point any program that speaks to OpenAI here. Errors are in OpenAI’s form.", Some((JSON, of::<SpeechRequest>)), Some((MP3, sound))),
        get(SPEECH, "/v1/audio/voices", "The voices, as OpenAI-compatible servers list them.", (JSON, object)),
        get(SPEECH, "/v1/models", "The engines, as OpenAI lists models.", (JSON, object)),
        get(SPEECH, "/api/voices", "Every voice.", (JSON, list::<Voice>)),
        get(BOOKS, "/api/books", "All books.", (JSON, list::<BookCard>)),
        send(Post, BOOKS, "/api/books", "Imports books. With “Accept: text/event-stream” it tells how far it is.", Some(("multipart/form-data", files)), Some((JSON, of::<ImportedCard>))),
        get(BOOKS, "/api/books/{book}", "A book with its chapters and table of contents.", (JSON, of::<BookAnswer>)),
        send(Post, BOOKS, "/api/books/{book}", "Renames a book.", Some((FORM, names)), None),
        send(Delete, BOOKS, "/api/books/{book}", "Deletes a book.", None, None),
        get(BOOKS, "/api/books/{book}/file", "The file that was imported, byte for byte.", ("application/octet-stream", sound)),
        send(Post, BOOKS, "/api/books/{book}/reimport", "Reads the file anew, by the rules of this version; places, bookmarks and highlights stay.", None, Some((JSON, of::<ImportedCard>))),
        send(Post, BOOKS, "/api/books/{book}/restore", "Brings a deleted book back, for a week.", None, None),
        get(BOOKS, "/api/books/{book}/chapters/{chapter}", "The sentences of a chapter.", (JSON, of::<ChapterAnswer>)),
        get(BOOKS, "/api/books/{book}/search", "Where the book says it, in reading order.", (JSON, list::<Hit>)).asking(&[("q", "Words to look for")]),
        get(BOOKS, "/api/books/{book}/annotations", "Bookmarks, highlights, and what was said of how passages are read.", (JSON, list::<Annotation>)),
        send(Post, BOOKS, "/api/books/{book}/annotations", "Keeps a bookmark or highlight.", Some((JSON, of::<NewAnnotation>)), Some((JSON, of::<Annotation>))),
        send(Post, BOOKS, "/api/books/{book}/annotations/{annotation}", "Changes a note.", Some((FORM, note)), None),
        send(Delete, BOOKS, "/api/books/{book}/annotations/{annotation}", "Takes a mark away.", None, None),
        get(BOOKS, "/api/books/{book}/annotations.md", "All marks as Markdown.", ("text/markdown", text)),
        send(Post, BOOKS, "/api/books/{book}/passages", "Says how sentences are read: by another voice, not at all, or once more. Taken away like a mark.", Some((FORM, of::<PassageForm>)), Some((JSON, of::<Annotation>))),
        send(Post, BOOKS, "/api/books/{book}/matter", "Says whether a chapter is text, or a title page, index and the like.", Some((FORM, of::<MatterForm>)), None),
        get(BOOKS, "/api/books/{book}/pronunciations", "How words are said in the book, the nearest scope first.", (JSON, list::<Pronunciation>)),
        send(Post, BOOKS, "/api/books/{book}/pronunciations", "Keeps how a word is said. Only sentences that have it are made again.", Some((FORM, of::<PronunciationForm>)), Some((JSON, of::<Pronunciation>))),
        send(Delete, BOOKS, "/api/books/{book}/pronunciations/{entry}", "Forgets how a word is said.", None, None),
        get(BOOKS, "/api/books/{book}/pronunciations/sample", "How an entry would sound.", (MP3, sound)).asking(&[("written", "The word"), ("spoken", "What is said"), ("phonemes", "How it sounds, in IPA"), VOICE]),
        get(BOOKS, "/api/books/{book}/pronunciations.pls", "How words are said, as a W3C pronunciation lexicon.", ("application/pls+xml", text)),
        get(BOOKS, "/api/books/{book}/pronunciations.txt", "How words are said, a line each.", ("text/plain", text)),
        send(Post, BOOKS, "/api/books/{book}/pronunciations/import", "Keeps what a lexicon says, in either form.", Some(("text/plain", text)), Some((JSON, of::<LexiconAnswer>))).asking(&[("scope", "“book”, “author”, “language” or “everywhere”")]),
        get(LISTENING, "/listen/{book}/{chapter}.mp3", "The book as one stream, from this chapter on. A chapter that is fully made is a file with a length and ranges, unless it is to run on.", (MP3, sound)).asking(&[FALLBACK, VOICE, PAUSES, SKIP, FROM, ("to", "“chapter” or “book”")]),
        get(LISTENING, "/listen/{book}/{chapter}/timeline", "When each sentence of the stream is heard, as server-sent events: “entries”, “end”, “failed”.", ("text/event-stream", text)).asking(&[VOICE, PAUSES, SKIP, FROM, FALLBACK]),
        get(LISTENING, "/audio/{book}/{chapter}/{sentence}.mp3", "One sentence.", (MP3, sound)).asking(&[VOICE]),
        get(LISTENING, "/api/books/{book}/chapters/{chapter}/timeline", "When each sentence is heard, as far as that is known now.", (JSON, list::<TimelineEntry>)).asking(&[VOICE, PAUSES, SKIP, FROM]),
        get(LISTENING, "/api/books/{book}/chapters/{chapter}/outline", "How long each sentence lasts, estimated where it has not been made.", (JSON, of::<Outline>)).asking(&[VOICE]),
        get(LISTENING, "/api/books/{book}/audios", "What has been made of a book.", (JSON, list::<ChapterCoverage>)).asking(&[VOICE]),
        get(LISTENING, "/api/books/{book}/progress", "Where the reader is; null when the book is not begun.", (JSON, of::<Progress>)),
        send(Put, LISTENING, "/api/books/{book}/progress", "The reader is there. With “known_ms”, 409 when another device has moved since.", Some((JSON, of::<Progress>)), Some((JSON, of::<Progress>))),
        send(Post, LISTENING, "/api/events/chapter_open", "A page opened a chapter: it and the next are made. Answers with a request’s id, or null when all is made.", Some((JSON, event)), Some((JSON, text))),
        send(Post, LISTENING, "/api/events/page_open", "Other sentences came into view: the next 15 are made first.", Some((JSON, event)), None),
        send(Post, LISTENING, "/api/events/chapter_change", "A listener moved to another chapter.", Some((JSON, event)), None),
        get(LISTENING, "/api/requests/{request}", "How far what chapter_open set off has come.", (JSON, of::<RequestStatus>)),
        get(RUNNING, "/health", "Whether all is well, and how much waits.", (JSON, of::<HealthAnswer>)),
        get(PEOPLE, "/api/people", "Everybody who can log in, by name. An admin asks, and is there themselves: no token will do.", (JSON, list::<PersonCard>)),
        send(Post, PEOPLE, "/api/people", "Adds somebody. The first is an admin, and from then on everybody has to log in.", Some((FORM, of::<PersonForm>)), None),
        send(Post, PEOPLE, "/api/people/{person}", "Sets what somebody may do.", Some((FORM, of::<RoleForm>)), None),
        send(Delete, PEOPLE, "/api/people/{person}", "Removes somebody.", None, None),
        get(PEOPLE, "/api/sessions", "Where one is logged in, the last used first.", (JSON, list::<SessionCard>)),
        send(Delete, PEOPLE, "/api/sessions/{session}", "Logs out there.", None, None),
        get(PEOPLE, "/api/tokens", "One’s tokens, the newest first.", (JSON, list::<TokenCard>)),
        send(Post, PEOPLE, "/api/tokens", "Makes a token, which is said in the answer and never again.", Some((FORM, of::<TokenForm>)), Some((JSON, of::<NewToken>))),
        send(Delete, PEOPLE, "/api/tokens/{token}", "Withdraws a token.", None, None),
        send(Post, PEOPLE, "/api/account/password", "Changes one’s password; everywhere else one is logged out.", Some((FORM, of::<PasswordForm>)), None),
        get(RUNNING, "/api/packs", "The natural voices that can be installed, and what has become of each on this server.", (JSON, list::<PackCard>)),
        send(Post, RUNNING, "/api/packs/{name}", "Begins to install one; `GET /api/packs` says how far it is.", None, None),
        send(Delete, RUNNING, "/api/packs/{name}", "Removes one, or stops installing it.", None, None),
        get(RUNNING, "/api/packs/{name}/sample", "A sentence in one of its voices, which `voice` names.", (MP3, sound)),
        get(RUNNING, "/api/engines", "The engines that are configured, without their keys.", (JSON, list::<EngineCard>)),
        send(Post, RUNNING, "/api/engines", "Adds an engine, or changes one of the same name; answers with its voices.", Some((FORM, of::<EngineForm>)), Some((JSON, list::<Voice>))),
        send(Delete, RUNNING, "/api/engines/{name}", "Removes an engine.", None, None),
        send(Post, RUNNING, "/api/engines/{name}/test", "A spoken sentence.", None, Some((MP3, sound))),
        get(RUNNING, "/api/engines/{name}/test", "What it said when it was tested last.", (MP3, sound)),
        get(RUNNING, "/api/storage", "What is kept of what was spoken, and what it cost and saved.", (JSON, of::<StorageFigures>)),
        send(Post, RUNNING, "/api/storage", "Sets how much may be kept, and cleans up.", Some((FORM, of::<LimitsForm>)), Some((JSON, object))),
        get(RUNNING, "/api/preferences", "What the reader prefers.", (JSON, object)),
        send(Post, RUNNING, "/settings", "Changes preferences: a form with any of them by name.", Some((FORM, object)), None),
    ]
});

fn event(schemas: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(
        ObjectBuilder::new()
            .property("place", of::<ListenerPosition>(schemas))
            .required("place")
            .into(),
    )
}

/// `GET /api/openapi.json`
pub async fn openapi() -> Json<&'static OpenApi> {
    static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(describe);
    Json(&DESCRIPTION)
}

fn describe() -> OpenApi {
    let mut schemas = Schemas::new();
    let problem = of::<Problem>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for endpoint in &*ENDPOINTS {
        let mut operation =
            OperationBuilder::new().tag(endpoint.group).summary(Some(endpoint.summary));
        for name in names_in(endpoint.path) {
            operation = operation.parameter(parameter(name, ParameterIn::Path, None));
        }
        for (name, says) in endpoint.query {
            operation = operation.parameter(parameter(name, ParameterIn::Query, Some(says)));
        }
        if let Some((kind, shape)) = endpoint.body {
            let content = ContentBuilder::new().schema(Some(shape(&mut schemas))).build();
            let body =
                RequestBodyBuilder::new().content(kind, content).required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        let mut answer = ResponseBuilder::new().description("Done");
        if let Some((kind, shape)) = endpoint.answer {
            let content = ContentBuilder::new().schema(Some(shape(&mut schemas))).build();
            answer = answer.content(kind, content);
        }
        let wrong = ContentBuilder::new().schema(Some(problem.clone())).build();
        let wrong = ResponseBuilder::new()
            .description("What went wrong (RFC 9457)")
            .content("application/problem+json", wrong);
        let creates = matches!(
            endpoint.path,
            "/api/books" | "/api/engines" | "/api/books/{book}/annotations"
        );
        let done = match endpoint.answer {
            Some(_) if creates && endpoint.method == HttpMethod::Post => "201",
            Some(_) => "200",
            None if endpoint.path == "/api/packs/{name}" && endpoint.method == HttpMethod::Post => {
                "202"
            }
            None => "204",
        };
        let operation = operation.response(done, answer.build()).response("default", wrong.build());
        let item = PathItem::new(endpoint.method.clone(), operation);
        paths = paths.path(endpoint.path, item);
    }
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    let mut info = Info::new("Earmark", env!("CARGO_PKG_VERSION"));
    info.description = Some("A self-hosted reader that reads to you.".to_owned());
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components)).build()
}

fn parameter(
    name: &str,
    place: ParameterIn,
    says: Option<&str>,
) -> utoipa::openapi::path::Parameter {
    let required = if says.is_none() { Required::True } else { Required::False };
    let schema = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(says)
        .schema(Some(schema))
        .build()
}

/// The names in braces.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// The table for the page.
pub fn cards() -> Vec<EndpointCard> {
    let schemas = components();
    let fields = |shape: Shape| {
        let shape = serde_json::to_value(shape(&mut Schemas::new())).unwrap_or_default();
        fields_of(resolve(&shape, &schemas), &schemas)
    };
    let card = |endpoint: &Endpoint| EndpointCard {
        group: endpoint.group.to_owned(),
        method: method(&endpoint.method).to_owned(),
        path: endpoint.path.to_owned(),
        summary: endpoint.summary.to_owned(),
        parameters: endpoint
            .query
            .iter()
            .map(|(name, says)| ((*name).to_owned(), (*says).to_owned()))
            .chain(endpoint.body.map(|(_, shape)| fields(shape)).unwrap_or_default())
            .collect(),
        answer: endpoint.answer.map_or_else(String::new, |(kind, _)| kind.to_owned()),
    };
    ENDPOINTS.iter().map(card).collect()
}

/// The schemas by name, as the description has them.
fn components() -> Value {
    let components = describe().components.map(|components| components.schemas);
    serde_json::to_value(components).unwrap_or_default()
}

/// The reference that a schema is, or is if it is not null.
fn reference(schema: &Value) -> &Value {
    let options = schema["oneOf"].as_array().into_iter().flatten();
    options.into_iter().find(|option| option.get("$ref").is_some()).unwrap_or(schema)
}

/// What a reference leads to.
fn resolve<'v>(schema: &'v Value, schemas: &'v Value) -> &'v Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

/// The fields of a schema, and what they say; those of a field that has fields behind a dot.
fn fields_of(schema: &Value, schemas: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let reference = reference(field);
        let target = resolve(reference, schemas);
        let says = [field, reference, target]
            .into_iter()
            .find_map(|schema| schema["description"].as_str());
        fields.push((name.clone(), says.unwrap_or_default().replace('`', "")));
        let inner = fields_of(target, schemas).into_iter();
        fields.extend(inner.map(|(inner, says)| (format!("{name}.{inner}"), says)));
    }
    fields
}

fn method(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        _ => "GET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_says_what_it_is() {
        let schemas = components();
        let of_schemas = schemas.as_object().unwrap().iter().flat_map(|(name, schema)| {
            fields_of(schema, &schemas)
                .into_iter()
                .map(move |(field, says)| (format!("{name}.{field}"), says))
        });
        let of_cards = cards().into_iter().flat_map(|card| card.parameters);
        let silent = of_schemas.chain(of_cards).filter(|(_, says)| says.is_empty());
        assert_eq!(silent.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<String>::new());
    }
}
