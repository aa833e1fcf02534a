"""The official Anthropic SDK against the gateway: only `base_url` and `api_key` differ."""

import json

import anthropic
from common import ANSWER, GATEWAY, INJECTION, READER, TOKEN, VALUES, assert_masked, play, raises

client = anthropic.Anthropic(base_url=GATEWAY, api_key=TOKEN, max_retries=0)
ASK = [{"role": "user", "content": "How can I reach Jane?"}]
TOOLS = [{"name": "lookup", "description": "Looks a person up.",
          "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}}]


def ask(caller=client, **kw):
    return caller.messages.create(**{"model": "claude-sonnet-4-5", "max_tokens": 256, "messages": ASK, **kw})


def messages():
    play(text=ANSWER)
    reply = ask(system="You are terse.")
    assert_masked(reply.content[0].text)
    assert reply.usage.output_tokens > 0
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=256, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert_masked(text)
    assert final.content[0].text == text and final.stop_reason == "end_turn"
    assert client.messages.count_tokens(model="claude-sonnet-4-5", messages=ASK).input_tokens > 0


def thinking():
    play(text="Done.", reasoning=ANSWER)
    reply = ask()
    assert_masked(reply.content[0].thinking)
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=256, messages=ASK) as stream:
        final = stream.get_final_message()
    assert_masked(final.content[0].thinking)
    assert final.content[1].text == "Done."


def tools():
    play(tool_arguments=json.dumps({"query": "mail " + VALUES[0], "depth": 2}))
    assert ask(tools=TOOLS).content[0].input == {"query": "mail [EMAIL]", "depth": 2}
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=256, messages=ASK, tools=TOOLS) as stream:
        block = stream.get_final_message().content[0]
    assert block.input == {"query": "mail [EMAIL]", "depth": 2}, block
    play(text="Fine.")
    turn = ASK + [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {"query": "Jane"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Jane is in room 12."}]},
    ]
    assert ask(messages=turn, tools=TOOLS).content[0].text == "Fine."
    turn[-1]["content"][0]["content"] = [{"type": "text", "text": INJECTION}]
    raises(anthropic.BadRequestError, lambda: ask(messages=turn, tools=TOOLS))


def errors():
    stranger = anthropic.Anthropic(base_url=GATEWAY, api_key="not-a-token", max_retries=0)
    error = raises(anthropic.AuthenticationError, lambda: ask(stranger))
    assert error.body["error"]["type"] == "authentication_error", error.body
    reader = anthropic.Anthropic(base_url=GATEWAY, api_key=READER, max_retries=0)
    error = raises(anthropic.PermissionDeniedError, lambda: ask(reader))
    assert error.body["error"]["type"] == "permission_error"
    assert raises(anthropic.NotFoundError, lambda: ask(model="unheard-of")).body["error"]["type"] == "not_found_error"
    error = raises(anthropic.BadRequestError, lambda: ask(messages=[{"role": "user", "content": INJECTION}]))
    assert error.body["type"] == "error" and error.body["error"]["type"] == "invalid_request_error", error.body
    assert error.request_id or error.body["request_id"]
    image = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}]
    raises(anthropic.BadRequestError, lambda: ask(messages=image))


def limited():
    first = client.messages.with_raw_response.create(model="claude-sonnet-4-5", max_tokens=16, messages=ASK)
    assert first.headers["anthropic-ratelimit-requests-limit"] == "2", dict(first.headers)
    ask()
    error = raises(anthropic.RateLimitError, ask)
    assert error.body["error"]["type"] == "rate_limit_error"
    assert int(error.response.headers["retry-after"]) >= 1


def mid_stream():
    play(text="A long and honest beginning of the answer, then " + VALUES[1] + " and more.")
    text = ""
    def read():
        nonlocal text
        with client.messages.stream(model="claude-sonnet-4-5", max_tokens=256, messages=ASK) as stream:
            for piece in stream.text_stream:
                text += piece
    error = None
    try:
        read()
    except anthropic.APIError as raised:
        error = raised
    assert error is not None, "a blocked stream raises"
    assert text.startswith("A long and honest beginning") and "4111" not in text and "more" not in text, text
    assert error.body["error"]["type"] == "api_error", error.body


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        globals()[name]()
        print("ok", name)
