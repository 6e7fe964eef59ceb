"""How commands speak with the operators' interface of a running gateway."""

import os
from pathlib import Path
from typing import Any

import httpx
import msgspec

from graph.errors import MotcuaError, SettingsWrong
from graph.operating.token import admin_token
from graph.settings import load_settings

FROM_ENVIRONMENT = "MOTCUA_ADMIN_TOKEN"
WAIT_SECONDS = 30.0


class Unreachable(Exception):
    """The gateway cannot be reached; `url` is where it was looked for."""

    def __init__(self, url: str, error: Exception) -> None:
        """Take the address and what happened."""
        super().__init__(str(error))
        self.url = url
        self.error = error


class _Problem(msgspec.Struct):
    message: str
    key: str | None = None


class _Problems(msgspec.Struct):
    error: _Problem


class AdminClient:
    """The operators' interface at `url`; the token is taken from MOTCUA_ADMIN_TOKEN, or from where the settings file says."""

    def __init__(self, url: str, file: Path) -> None:
        """Fetch the token; SettingsWrong where there is none."""
        self.url = url.rstrip("/")
        self._token = os.environ.get(FROM_ENVIRONMENT, "").strip() or admin_token(load_settings(file, secrets=False))

    def get(self, path: str) -> bytes:
        """Fetch what stands at a path below `/admin`."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None) -> bytes:
        """Send a request and return the answer.

        SettingsWrong where what was asked for cannot be, Unreachable where no gateway answers, MotcuaError where it failed.
        """
        headers = {"authorization": f"Bearer {self._token}"}
        content = None if body is None else msgspec.json.encode(body)
        try:
            response = httpx.request(method, f"{self.url}/admin{path}", headers=headers, content=content, timeout=WAIT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(self.url, error) from error
        if response.is_success:
            return response.content
        raise _worded(self.url, response)


def _worded(url: str, response: httpx.Response) -> Exception:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return SettingsWrong(f"{url} does not take this token; expected the one that its settings point to with admin.token")
    try:
        problem = msgspec.json.decode(response.content, type=_Problems).error
    except msgspec.MsgspecError:
        return Unreachable(url, ValueError(f"it answered with HTTP {response.status_code}, not as a gateway's operators' interface does"))
    words = f"{problem.key}: {problem.message}" if problem.key else problem.message
    return SettingsWrong(words) if response.is_client_error else MotcuaError(words)
