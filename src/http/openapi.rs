//! The API's description, which the routes make: as OpenAPI, as the page for developers, and as `docs/api.md`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use app::base::Base;
use app::model::{EndpointCard, Role, Scope};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, Info, OpenApi, Ref, RefOr, ResponseBuilder, Server};
use utoipa::{ToSchema, openapi};

use super::error::Problem;
use super::routes::Needs;

/// Speech for other programs.
pub const SPEECH: &str = "Speech for other programs";
/// Books.
pub const BOOKS: &str = "Books";
/// Listening.
pub const LISTENING: &str = "Listening";
/// Books that are narrated ahead.
pub const NARRATIONS: &str = "Narrations";
/// People.
pub const PEOPLE: &str = "People";
/// Running it.
pub const RUNNING: &str = "Running it";
/// All groups, in the order in which they are shown.
const GROUPS: [&str; 6] = [SPEECH, BOOKS, LISTENING, NARRATIONS, PEOPLE, RUNNING];

/// How many fields within fields the shape of an answer shows.
const SHAPE_DEPTH: usize = 2;

/// How a browser shows who it is.
const SESSION: &str = "session";
/// How a program does.
const TOKEN: &str = "token";

/// The description, as it is served.
static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(super::description);

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = RUNNING, responses((status = 200, body = Object)))]
pub async fn openapi(base: Option<Extension<Base>>) -> Response {
    match base {
        Some(Extension(Base(base))) => {
            let mut description = DESCRIPTION.clone();
            description.servers = Some(vec![Server::new(base)]);
            Json(description).into_response()
        }
        None => Json(&*DESCRIPTION).into_response(),
    }
}

/// Adds to an operation what all of them have: who may ask, and what goes wrong.
pub fn finish(operation: &mut Operation, needs: Needs) {
    let by = |scheme: &str, role: Role| SecurityRequirement::new(scheme, [role.name()]);
    let program =
        |role: Role, scope: Scope| SecurityRequirement::new(TOKEN, [role.name(), scope.name()]);
    operation.security = Some(match needs {
        Needs::Nobody => Vec::new(),
        Needs::Role(role, scope) | Needs::Own(role, scope) => {
            vec![by(SESSION, role), program(role, scope)]
        }
        Needs::Runs => vec![by(SESSION, Role::Admin), program(Role::Admin, Scope::Admin)],
        Needs::Person(role) | Needs::Confirmed(role) => vec![by(SESSION, role)],
    });
    let responses = &mut operation.responses.responses;
    if !responses.contains_key("default") {
        let problem = Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let wrong = ResponseBuilder::new()
            .description("What went wrong (RFC 9457)")
            .content("application/problem+json", content);
        responses.insert("default".to_owned(), RefOr::T(wrong.build()));
    }
}

/// The description of a whole server.
pub fn whole(mut description: OpenApi) -> OpenApi {
    let mut info = Info::new("Earmark", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "A self-hosted reader that reads to you. Where nobody has an account, nobody needs to log in; where \
         somebody has, programs send a token, and what a browser asks for comes with its session."
            .to_owned(),
    );
    description.info = info;
    description.tags =
        Some(GROUPS.map(|group| TagBuilder::new().name(group).build()).into_iter().collect());
    let components = description.components.get_or_insert_default();
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("earmark")));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.security_schemes.insert(SESSION.to_owned(), cookie.into());
    components.security_schemes.insert(TOKEN.to_owned(), SecurityScheme::Http(bearer).into());
    description
}

/// This server's own description for a page. It is made when it is asked for: few are ever shown it, and it takes megabytes.
pub fn own_cards() -> Vec<EndpointCard> {
    cards(&DESCRIPTION)
}

/// A description for a page, group by group.
fn cards(description: &OpenApi) -> Vec<EndpointCard> {
    let description = serde_json::to_value(description).unwrap_or_default();
    let schemas = &description["components"]["schemas"];
    let mut cards = Vec::new();
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            cards.push(card(method, path, operation, schemas));
        }
    }
    let place = |card: &EndpointCard| GROUPS.iter().position(|group| *group == card.group);
    cards.sort_by_key(place);
    cards
}

fn card(method: &str, path: &str, operation: &Value, schemas: &Value) -> EndpointCard {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut summary = text(&operation["summary"]);
    if let Some(more) = operation["description"].as_str() {
        summary = format!("{summary} {more}");
    }
    let of_address = operation["parameters"].as_array().into_iter().flatten();
    let of_address = of_address.filter(|parameter| parameter["in"] != "path");
    let mut parameters: Vec<_> = of_address
        .map(|parameter| {
            (text(&parameter["name"]), text(&parameter["description"]).replace('\n', " "))
        })
        .collect();
    if let Some((_, body)) = contents(&operation["requestBody"]).next() {
        parameters.extend(fields_of(resolve(&body["schema"], schemas), schemas));
    }
    let responses = operation["responses"].as_object().into_iter().flatten();
    let mut answers: Vec<String> = responses
        .filter(|(status, _)| status.starts_with('2'))
        .flat_map(|(_, response)| contents(response))
        .map(|(kind, content)| match kind.as_str() {
            "application/json" => shape_of(&content["schema"], schemas, SHAPE_DEPTH),
            kind => kind.to_owned(),
        })
        .filter(|answer| !answer.is_empty())
        .collect();
    answers.dedup();
    EndpointCard {
        group: text(&operation["tags"][0]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: summary.replace('\n', " "),
        parameters,
        answer: answers.join(", "),
        needs: asked_of(operation),
    }
}

/// Who may ask, and whether a program may: what [`finish`] wrote.
fn asked_of(operation: &Value) -> String {
    let security = &operation["security"];
    let role = security[0][SESSION][0].as_str().unwrap_or_default();
    match (role, security[1][TOKEN][1].as_str()) {
        ("", _) => String::new(),
        (role, Some(scope)) => format!("{role}, token for {scope}"),
        (role, None) => format!("{role}, logged in"),
    }
}

fn contents(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of["content"].as_object().into_iter().flatten()
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

/// The fields that a schema has itself, and those of schemas that it is made of.
fn properties<'v>(schema: &'v Value, schemas: &'v Value) -> Vec<(&'v String, &'v Value)> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let of_parts = parts.flat_map(|part| properties(resolve(part, schemas), schemas));
    of_parts.chain(schema["properties"].as_object().into_iter().flatten()).collect()
}

/// What something in JSON looks like: the names of fields in braces, a list in brackets.
fn shape_of(schema: &Value, schemas: &Value, depth: usize) -> String {
    let schema = resolve(reference(schema), schemas);
    if depth == 0 {
        return String::new();
    }
    if schema.get("items").is_some() {
        let inner = shape_of(&schema["items"], schemas, depth);
        return if inner.is_empty() { inner } else { format!("[{inner}]") };
    }
    let mut fields: Vec<String> = Vec::new();
    for (name, field) in properties(schema, schemas) {
        let inner = shape_of(field, schemas, depth - 1);
        fields.push(if inner.is_empty() { name.clone() } else { format!("{name}: {inner}") });
    }
    if fields.is_empty() { String::new() } else { format!("{{{}}}", fields.join(", ")) }
}

/// The fields of a schema, and what they say; those of a field that has fields behind a dot.
fn fields_of(schema: &Value, schemas: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, field) in properties(schema, schemas) {
        let reference = reference(field);
        let target = resolve(reference, schemas);
        let says = [field, reference, target]
            .into_iter()
            .find_map(|schema| schema["description"].as_str());
        fields.push((name.clone(), says.unwrap_or_default().replace('\n', " ")));
        let inner = fields_of(target, schemas).into_iter();
        fields.extend(inner.map(|(inner, says)| (format!("{name}.{inner}"), says)));
    }
    fields
}

/// The description as `docs/api.md` has it.
pub fn markdown(description: &OpenApi) -> String {
    let mut text = String::from(
        "# The API\n\n\
         Made from the routes by `make api-docs`; a running server says the same at `/api/openapi.json` (OpenAPI \
         3.1) and, to be read, at `/developers`. Fields are added, never changed or taken away.\n\n\
         - Where nobody has an account, nobody needs to log in. Where somebody has, a program sends \
         `Authorization: Bearer ema_…`, which is made on the page of one’s account; see [accounts](accounts.md). \
         After each address stands who may ask, and what a token must be for; “logged in” means that no token will \
         do.\n\
         - What goes wrong is answered as a problem document (RFC 9457, `application/problem+json`), whose `detail` \
         says what happened and what to do, in Spanish or German where `Accept-Language` asks for that; under `/v1` in \
         OpenAI’s form.\n\
         - A form may be sent for every `DELETE` too: as `POST` to the same address with `/delete` after it.\n",
    );
    let mut group = String::new();
    for card in cards(description) {
        if card.group != group {
            group.clone_from(&card.group);
            // Writing to a text cannot fail.
            let _ = write!(text, "\n## {group}\n");
        }
        let EndpointCard { method, path, summary, parameters, answer, needs, .. } = card;
        let needs = if needs.is_empty() { String::new() } else { format!(" · {needs}") };
        let _ = write!(text, "\n### `{method} {path}`{needs}\n\n{summary}\n");
        if !parameters.is_empty() {
            text.push('\n');
        }
        for (name, says) in parameters {
            let _ = writeln!(text, "- `{name}`: {says}");
        }
        if !answer.is_empty() {
            let _ = write!(text, "\nAnswers `{answer}`.\n");
        }
    }
    text
}

/// Bytes, as a description has them.
pub struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<openapi::Schema> {
        use openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_says_what_it_is() {
        let cards = cards(&DESCRIPTION);
        assert!(cards.len() > 60, "{}", cards.len());
        let description = serde_json::to_value(&*DESCRIPTION).unwrap();
        let schemas = &description["components"]["schemas"];
        let of_schemas = schemas.as_object().unwrap().iter().flat_map(|(name, schema)| {
            let fields = fields_of(schema, schemas).into_iter();
            fields.map(move |(field, says)| (format!("{name}.{field}"), says))
        });
        let named = |card: &EndpointCard| format!("{} {}", card.method, card.path);
        let of_cards = cards.iter().flat_map(|card| {
            let fields = card.parameters.iter().cloned();
            fields.chain([(named(card), card.summary.clone()), (named(card), card.group.clone())])
        });
        let silent = of_schemas.chain(of_cards).filter(|(_, says)| says.is_empty());
        assert_eq!(silent.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<String>::new());
    }
}
