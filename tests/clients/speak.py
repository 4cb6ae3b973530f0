"""Has the official OpenAI client speak a sentence: speak.py URL TOKEN, prints what comes of it as JSON."""

import json
import sys

import openai

url, token = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0)
said = {}
for kind in ["mp3", "wav", "pcm"]:
    speech = client.audio.speech.create(
        model="tts-1", voice="alloy", input="A sentence for programs.", response_format=kind
    )
    said[kind] = len(speech.content)
with client.audio.speech.with_streaming_response.create(
    model="gpt-4o-mini-tts", voice="nova", input="Another one.", instructions="Cheerfully.", speed=1.25
) as streamed:
    said["streamed"] = sum(len(piece) for piece in streamed.iter_bytes())
said["models"] = [model.id for model in client.models.list()]
try:
    client.audio.speech.create(
        model="tts-1", voice="nobody", input="Never.", extra_body={"strict": True}
    )
except openai.BadRequestError as error:
    said["refused"] = error.message
except openai.NotFoundError as error:
    said["refused"] = error.message
try:
    openai.OpenAI(base_url=f"{url}/v1", api_key="ema_wrong", max_retries=0).models.list()
except openai.AuthenticationError:
    said["wrong"] = "is kept out"
print(json.dumps(said))
