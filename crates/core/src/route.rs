//! Routes: which API, which operation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The API family: decides the error format and which providers can serve a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI and whatever speaks its API.
    Openai,
    /// Anthropic.
    Anthropic,
    /// HuggingFace Text Generation Inference: its own routes and the OpenAI-compatible one.
    Huggingface,
    /// Any HTTP API whose text fields the policy names.
    Generic,
}

/// What a route does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `GET /v1/models` and `GET /v1/models/{model}`
    Models,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `POST /generate`
    Generate,
    /// `POST /generate_stream`
    GenerateStream,
    /// A route of the policy's own.
    Generic,
}

impl Operation {
    /// Every operation; the coverage matrix walks it.
    pub const ALL: [Self; 10] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Completions,
        Self::Embeddings,
        Self::Models,
        Self::Messages,
        Self::CountTokens,
        Self::Generate,
        Self::GenerateStream,
        Self::Generic,
    ];

    /// The name in policies, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Models => "models",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Generate => "generate",
            Self::GenerateStream => "generate_stream",
            Self::Generic => "generic",
        }
    }

    /// The API family whose error format the operation's clients expect.
    #[must_use]
    pub const fn api(self) -> Api {
        match self {
            Self::ChatCompletions
            | Self::Responses
            | Self::Completions
            | Self::Embeddings
            | Self::Models => Api::Openai,
            Self::Messages | Self::CountTokens => Api::Anthropic,
            Self::Generate | Self::GenerateStream => Api::Huggingface,
            Self::Generic => Api::Generic,
        }
    }

    /// Whether a provider of the family `api` can serve it.
    #[must_use]
    pub const fn served_by(self, api: Api) -> bool {
        match self {
            // TGI serves OpenAI's chat and completions routes too.
            Self::ChatCompletions | Self::Completions => {
                matches!(api, Api::Openai | Api::Huggingface)
            }
            Self::Responses | Self::Embeddings => matches!(api, Api::Openai),
            Self::Models => true,
            Self::Messages | Self::CountTokens => matches!(api, Api::Anthropic),
            Self::Generate | Self::GenerateStream => matches!(api, Api::Huggingface),
            Self::Generic => matches!(api, Api::Generic),
        }
    }
}

/// Where the text stands in the bodies of a generic route (JSON Pointers, RFC 6901; a `*` token
/// matches every element of an array or member of an object).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenericFields {
    /// Pointers to prompt text in the request.
    pub prompt: Vec<Box<str>>,
    /// Pointers to answer text in the reply, or in the data of each event of a streamed reply.
    pub answer: Vec<Box<str>>,
    /// Pointer to a boolean that asks for a stream.
    pub stream: Option<Box<str>>,
}

/// A route of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name in events and metrics: the operation's, or the policy's for a generic route.
    pub name: Arc<str>,
    /// What it does.
    pub operation: Operation,
    /// Only for [`Operation::Generic`].
    pub generic: Option<Arc<GenericFields>>,
    /// Only for [`Operation::Generic`]: the provider it goes to.
    pub provider: Option<Arc<str>>,
}

impl Route {
    /// The route of a built-in operation.
    #[must_use]
    pub fn builtin(operation: Operation) -> Self {
        Self {
            name: operation.as_str().into(),
            operation,
            generic: None,
            provider: None,
        }
    }
}
