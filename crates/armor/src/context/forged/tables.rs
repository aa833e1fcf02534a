//! The tokens and turns that are looked for, as data.

use aegis_core::Category;

/// Score of what only an attack writes.
pub(super) const FORGED: f32 = 0.9;

/// Score of what is mostly an attack.
pub(super) const LIKELY: f32 = 0.85;

/// Score of what an honest text may hold.
pub(super) const HINT: f32 = 0.5;

/// Tokens that are written for chat templates alone.
pub(super) const CONTROL: &[&str] = &[
    // ChatML
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
    "<|im_system|>",
    "<|im_user|>",
    "<|im_assistant|>",
    "<|im_middle|>",
    // GPT
    "<|endoftext|>",
    "<|startoftext|>",
    "<|endofprompt|>",
    // Llama 3 and 4
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|header_start|>",
    "<|header_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
    // Llama 2, Mistral
    "<<sys>>",
    "<</sys>>",
    "[/inst]",
    "[system_prompt]",
    "[/system_prompt]",
    // Gemma
    "<start_of_turn>",
    "<end_of_turn>",
    // Phi, GLM, Zephyr
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
    // Granite, Cohere, DeepSeek
    "<|start_of_role|>",
    "<|end_of_role|>",
    "<|start_of_turn_token|>",
    "<|end_of_turn_token|>",
    "<|system_token|>",
    "<|user_token|>",
    "<|chatbot_token|>",
    "<|begin▁of▁sentence|>",
    "<|end▁of▁sentence|>",
];

/// Tokens that honest text may hold too.
pub(super) const AMBIGUOUS: &[&str] = &[
    "[inst]",
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|channel|>",
    "<|return|>",
    "<|call|>",
    "<|tool|>",
    "<|eot|>",
    "[tool_calls]",
    "[tool_results]",
    "[available_tools]",
];

/// What orders begin with, in a turn that pretends to be the system's.
pub(super) const ORDER: &str = r"(?:you\s+(?:are|must|will|should|may|can|have|now)\b|from\s+now\s+on|now\s+you|ignore|disregard|forget|override|bypass|new\s+(?:instructions?|rules?|task|policy|directive)|the\s+(?:assistant|model|ai)\s+(?:is|must|will|should|may)|all\s+(?:previous|prior|earlier|safety)|your\s+(?:new|real|true|only)|(?:enable|disable|activate|enter|switch\s+to)\s|(?:developer|debug|admin|maintenance)\s+mode|act\s+as|pretend|respond|reply|answer|reveal|print|output|do\s+not|don't|never|always|انت|تجاهل|يجب|من\s+الان|عليك|انس)";

/// A line's start: indent, quotes, list marks, heading marks, emphasis.
pub(super) const LINE: &str = r"(?:^|\n)[\s>#*_\-=]*";

/// Names of the roles that may give orders.
pub(super) const SPEAKERS: &[&str] = &["system", "developer", "النظام", "المطور"];

/// Such a name, and what may follow it.
pub(super) const LABEL: &str = r"(?:system|developer|النظام|المطور)(?:\s+(?:message|prompt|note|notice|override|update|instructions?|command))?";

/// `--- end of system prompt ---`
pub(super) const END_OF_PROMPT: &str = r"[-=#*\[<({]{2,}\s*(?:end|close)\s+(?:of\s+)?(?:the\s+)?(?:system|developer)\s+(?:prompt|message|instructions?)\s*[-=#*\]>)}]{2,}";

/// `### begin new instructions`
pub(super) const BEGIN_OF_PROMPT: &str = r"[-=#*\[<({]{2,}\s*(?:begin|start)\s+(?:of\s+)?(?:the\s+)?(?:new|real|actual)\s+(?:system\s+)?(?:prompt|instructions?|task)";

/// How many rules on turns there are.
pub(super) const TURNS: usize = 7;

/// A rule of the table: what a match of its expression means.
pub(super) struct TurnRule {
    pub(super) rule: &'static str,
    pub(super) category: Category,
    pub(super) score: f32,
    /// Only in tool results and documents, where nobody's turn belongs.
    pub(super) retrieved_only: bool,
    /// One of them stands in every match; a text without them is not searched.
    pub(super) keywords: &'static [&'static str],
    pub(super) pattern: String,
}

/// The rules on turns.
pub(super) fn turns() -> [TurnRule; TURNS] {
    let rule = |rule, score, keywords, pattern| TurnRule {
        rule,
        category: Category::RoleConfusion,
        score,
        retrieved_only: false,
        keywords,
        pattern,
    };
    [
        rule(
            "forged-system-turn",
            LIKELY,
            SPEAKERS,
            format!(r"{LINE}[\[<({{]{{0,2}}{LABEL}[\]>)}}]{{0,2}}\s*[*_]*:[*_]*\s*{ORDER}"),
        ),
        rule(
            "forged-system-tag",
            LIKELY,
            SPEAKERS,
            format!(r"{LINE}(?:<|\[){LABEL}(?:>|\])[\s:]*{ORDER}"),
        ),
        rule(
            "forged-system-link",
            FORGED,
            &["](#"],
            r"\[(?:system|user|assistant)\]\(#[a-z_]+\)".to_owned(),
        ),
        rule(
            "forged-prompt-end",
            LIKELY,
            &["prompt", "message", "instruction", "task"],
            format!("{END_OF_PROMPT}|{BEGIN_OF_PROMPT}"),
        ),
        TurnRule {
            category: Category::IndirectInjection,
            retrieved_only: true,
            ..rule(
                "forged-turn-in-data",
                LIKELY,
                &["human", "user", "assistant"],
                format!(r"(?:^|\n)(?:human|user|assistant)\s*:\s*{ORDER}"),
            )
        },
        rule(
            "instruction-template",
            HINT,
            &["###"],
            r"(?:^|\n)###\s*(?:instruction|response)s?\s*:".to_owned(),
        ),
        rule(
            "open-assistant-turn",
            HINT,
            &["\nassistant"],
            r"\n(?:human|user)\s*:(?s:.*)\nassistant\s*:\s*$".to_owned(),
        ),
    ]
}
