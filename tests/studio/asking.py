"""Reads what a studio says: packets and streams of events."""

import json
import math

import numpy as np

TYPES = {"float32": "<f4", "uint8": "u1", "int32": "<i4"}


def unpack(data):
    """The header and the arrays of a packet."""
    length = int.from_bytes(data[:4], "little")
    told = json.loads(data[4 : 4 + length])
    arrays = {}
    for one in told["arrays"]:
        count = math.prod(one["shape"])
        assert one["offset"] % 4 == 0
        flat = np.frombuffer(data, TYPES[one["dtype"]], count, 4 + length + one["offset"])
        arrays[one["name"]] = flat.reshape(one["shape"])
    return told["header"], arrays


def whole(header, values):
    """A row or column in full, from its window."""
    result = np.zeros(header["shape"], np.float32)
    place = tuple(slice(start, start + n) for start, n in zip(header["start"], values.shape, strict=True))
    result[place] = values
    return result


def events(lines):
    """Events of a stream, ``(name, data)``."""
    name = None
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


class Asked:
    """A subject of a studio, asked through a client."""

    def __init__(self, client, model, image="espresso", side=None, **attack):
        self.client = client
        answer = client.post("/api/subjects", json={"model": model, "image": image, "side": side})
        assert answer.status_code == 200, answer.text
        if attack:
            answer = client.post(f"/api/subjects/{answer.json()['id']}/attack", json={"label": None, **attack})
            assert answer.status_code == 200, answer.text
        self.info = answer.json()
        self.path = f"/api/subjects/{self.info['id']}"

    def get(self, path, /, **query):
        return self.client.get(f"{self.path}/{path}", params=query)

    def packet(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return unpack(answer.content)

    def stream(self, path, **query):
        with self.client.stream("GET", f"{self.path}/{path}", params=query) as answer:
            assert answer.status_code == 200, answer.read()
            return list(events(answer.iter_lines()))
