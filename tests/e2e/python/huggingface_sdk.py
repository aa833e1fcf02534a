"""The official HuggingFace client against the gateway: only the URL and the token differ."""

from common import ANSWER, GATEWAY, INJECTION, TOKEN, assert_masked, play
from huggingface_hub import InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError


def chat():
    play(text=ANSWER)
    client = InferenceClient(base_url=GATEWAY + "/v1", api_key=TOKEN)
    ask = [{"role": "user", "content": "How can I reach Jane?"}]
    assert_masked(client.chat.completions.create(model="llama", messages=ask).choices[0].message.content)
    stream = client.chat.completions.create(model="llama", messages=ask, stream=True)
    assert_masked("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))


def generate():
    play(text=ANSWER)
    client = InferenceClient(model=GATEWAY + "/generate", token=TOKEN)
    assert_masked(client.text_generation("Reach Jane:", max_new_tokens=64))
    try:
        client.text_generation(INJECTION)
    except (BadRequestError, HfHubHTTPError) as error:
        assert error.response.status_code == 400, error
    except Exception as error:  # TGI's own error types, by `error_type`
        assert type(error).__name__ in {"ValidationError", "TextGenerationError"}, type(error)
    else:
        raise AssertionError("not blocked")
    streaming = InferenceClient(model=GATEWAY + "/generate_stream", token=TOKEN)
    assert_masked("".join(streaming.text_generation("Reach Jane:", max_new_tokens=64, stream=True)))


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        globals()[name]()
        print("ok", name)
