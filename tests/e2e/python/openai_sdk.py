"""The official OpenAI SDK against the gateway: only `base_url` and `api_key` differ."""

import json

import openai
from common import ANSWER, GATEWAY, INJECTION, READER, TOKEN, VALUES, assert_masked, play, raises

client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=TOKEN, max_retries=0)
ASK = [{"role": "user", "content": "How can I reach Jane?"}]
TOOLS = [{"type": "function", "function": {"name": "lookup", "description": "Looks a person up.",
          "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}}]


def chat():
    play(text=ANSWER)
    reply = client.chat.completions.create(model="gpt-5-mini", messages=ASK, n=2)
    for choice in reply.choices:
        assert_masked(choice.message.content.removeprefix("1: "))
    assert reply.usage.total_tokens > 0

    texts = {0: "", 1: ""}
    for chunk in client.chat.completions.create(model="gpt-5-mini", messages=ASK, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    for text in texts.values():
        assert_masked(text.removeprefix("1: "))

    with client.chat.completions.stream(model="gpt-5-mini", messages=ASK) as stream:
        assert_masked(stream.get_final_completion().choices[0].message.content)


def tools():
    play(tool_arguments=json.dumps({"query": "mail " + VALUES[0], "depth": 2}))
    reply = client.chat.completions.create(model="gpt-5-mini", messages=ASK, tools=TOOLS)
    arguments = json.loads(reply.choices[0].message.tool_calls[0].function.arguments)
    assert arguments == {"query": "mail [EMAIL]", "depth": 2}, arguments

    with client.chat.completions.stream(model="gpt-5-mini", messages=ASK, tools=TOOLS) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"query": "mail [EMAIL]", "depth": 2}, call

    # The agent's next turn: the tool's result goes back.
    play(text="Fine.")
    turn = ASK + [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Jane is in room 12."},
    ]
    assert client.chat.completions.create(model="gpt-5-mini", messages=turn, tools=TOOLS).choices[0].message.content == "Fine."
    turn[-1]["content"] = INJECTION
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model="gpt-5-mini", messages=turn, tools=TOOLS))


def responses():
    play(text=ANSWER)
    reply = client.responses.create(model="gpt-5-mini", input="How can I reach Jane?")
    assert_masked(reply.output_text)
    text = ""
    final = None
    for event in client.responses.create(model="gpt-5-mini", input="How can I reach Jane?", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.output_text.done":
            assert_masked(event.text)
        if event.type == "response.completed":
            final = event.response
    assert_masked(text)
    assert final.output_text == text
    with client.responses.stream(model="gpt-5-mini", input="How can I reach Jane?") as stream:
        assert stream.get_final_response().output_text == text
    play(tool_arguments=json.dumps({"query": VALUES[0]}))
    reply = client.responses.create(model="gpt-5-mini", input="Look Jane up")
    assert json.loads(reply.output[0].arguments) == {"query": "[EMAIL]"}
    blocked = raises(openai.BadRequestError, lambda: client.responses.create(model="gpt-5-mini", input=INJECTION))
    assert blocked.code == "prompt_blocked", blocked.code


def others():
    play(text=ANSWER)
    assert_masked(client.completions.create(model="gpt-5-mini", prompt="Reach Jane:").choices[0].text)
    text = "".join(c.choices[0].text for c in client.completions.create(model="gpt-5-mini", prompt="Reach Jane:", stream=True))
    assert_masked(text)
    rows = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], encoding_format="float").data
    assert [row.embedding for row in rows] == [[0.25, -0.5, 0.125]] * 2
    names = [model.id for model in client.models.list()]
    assert "text-embedding-3-small" in names, names
    assert client.models.retrieve("text-embedding-3-small").id == "text-embedding-3-small"


def errors():
    ask = lambda c, **kw: c.chat.completions.create(**{"model": "gpt-5-mini", "messages": ASK, **kw})
    stranger = openai.OpenAI(base_url=GATEWAY + "/v1", api_key="not-a-token", max_retries=0)
    assert raises(openai.AuthenticationError, lambda: ask(stranger)).status_code == 401
    reader = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=READER, max_retries=0)
    assert raises(openai.PermissionDeniedError, lambda: ask(reader)).status_code == 403
    assert raises(openai.NotFoundError, lambda: ask(client, model="unheard-of")).status_code == 404
    blocked = raises(openai.BadRequestError, lambda: ask(client, messages=[{"role": "user", "content": INJECTION}]))
    assert blocked.code == "prompt_blocked" and blocked.type == "invalid_request_error", blocked.body
    assert "system prompt" not in str(blocked), "the prompt is not echoed"
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]
    assert raises(openai.BadRequestError, lambda: ask(client, messages=image)).code == "content_not_allowed"
    for stream in (False, True):
        raises(openai.BadRequestError, lambda: ask(client, stream=stream, messages=[{"role": "user", "content": INJECTION}]))


def limited():
    ask = lambda: client.chat.completions.with_raw_response.create(model="gpt-5-mini", messages=ASK)
    first = ask()
    assert first.headers["x-ratelimit-limit-requests"] == "2", dict(first.headers)
    assert int(first.headers["x-ratelimit-remaining-requests"]) == 1
    ask()
    error = raises(openai.RateLimitError, ask)
    assert int(error.response.headers["retry-after"]) >= 1
    assert error.code == "rate_limited"


def mid_stream():
    play(text="A long and honest beginning of the answer, then " + VALUES[1] + " and more.")
    text = ""
    def read():
        nonlocal text
        for chunk in client.chat.completions.create(model="gpt-5-mini", messages=ASK, stream=True):
            text += chunk.choices[0].delta.content or ""
    error = raises(openai.APIError, read)
    assert text.startswith("A long and honest beginning") and "4111" not in text and "more" not in text, text
    assert error.code == "output_blocked", error.body
    text = ""
    def read_responses():
        nonlocal text
        for event in client.responses.create(model="gpt-5-mini", input="x", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type == "error":
                raise openai.APIError(event.message, request=None, body={"code": event.code})
    error = raises(openai.APIError, read_responses)
    assert text.startswith("A long") and "4111" not in text, text
    assert error.code == "output_blocked", error.body
    raises(openai.InternalServerError, lambda: client.chat.completions.create(model="gpt-5-mini", messages=ASK))


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        globals()[name]()
        print("ok", name)
