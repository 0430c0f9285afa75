# The HTTP side of an independent client: one keep-alive connection of the standard library, JSON that keeps what JSON
# numbers keep (integers of any size, floats as floats). Written from section 8 of proto/PROTOCOL.md.
import base64
import gzip
import http.client
import json
import math
import urllib.parse
from collections import namedtuple

import msgpack

Response = namedtuple("Response", "status headers body json")


def quoted(text):
    return urllib.parse.quote(text, safe="")


class HttpClient:
    def __init__(self, address, token=None, seconds=20, tls=None):
        """`tls`: an ssl.SSLContext, for an address of https."""
        self.address, self.token = address, token
        split = urllib.parse.urlsplit(address)
        if split.scheme == "https":
            self.connection = http.client.HTTPSConnection(split.hostname, split.port, timeout=seconds, context=tls)
        else:
            self.connection = http.client.HTTPConnection(split.hostname, split.port, timeout=seconds)

    def close(self):
        self.connection.close()

    def ask(self, method, path, value=None, body=None, headers=None, **query):
        """One request; `value` goes as JSON. Header names of the answer are in lower case."""
        headers = dict(headers or {})
        if value is not None or body is not None:
            headers.setdefault("Content-Type", "application/json")
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if query:
            path += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        self.connection.request(method, path, body=json.dumps(value) if body is None and value is not None else body,
                                headers={k: v for k, v in headers.items() if v is not None})
        answer = self.connection.getresponse()
        content = answer.read()
        told = {name.lower(): text for name, text in answer.getheaders()}
        if told.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        is_json = told.get("content-type") == "application/json" and content
        return Response(answer.status, told, content, json.loads(content) if is_json else None)

    def get(self, path, **query):
        return self.ask("GET", path, **query)

    def entry(self, ns, key, **query):
        return self.get(f"/api/v1/config/{ns}/{quoted(key)}", **query)

    def put(self, ns, key, value, headers=None, **query):
        return self.ask("PUT", f"/api/v1/config/{ns}/{quoted(key)}", body=json.dumps(value), headers=headers, **query)

    def pages(self, path, **query):
        """Every page of a paged route; a cursor comes as {"$bin": ...} and goes back as its base64."""
        while True:
            page = self.get(path, **query)
            assert page.status == 200, page
            yield page.json
            if not page.json["more"]:
                return
            query["after"] = page.json["after"]["$bin"]


def as_json(value):
    """A MessagePack value, decoded, as section 8 writes it: by other code than the broker's."""
    if isinstance(value, bytes):
        return {"$bin": base64.b64encode(value).decode()}
    if isinstance(value, msgpack.ExtType):
        return {"$ext": [value.code, base64.b64encode(value.data).decode()]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            return {"$map": [[as_json(key), as_json(item)] for key, item in value.items()]}
        escape = "$" if len(value) == 1 and next(iter(value)).startswith("$") else ""
        return {escape + key: as_json(item) for key, item in value.items()}
    return value
