"""The Connect token: where it comes from, when it is read again, and that it is shown to nobody."""

import base64
import json
import os
import pathlib
from typing import Any

import pytest

from onepassword_operator.connect.access_token import ConnectToken, TokenFileError
from onepassword_operator.model.confidential import Confidential

FIRST, SECOND = "canary-first", "canary-second"


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "token"
    made.write_text(f" {FIRST}\n")
    return made


def token_with(claims: object) -> ConnectToken:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ConnectToken(Confidential(f"{part({'alg': 'ES256'})}.{part(claims)}.signature".encode()))


def test_a_given_token_stays_as_it_is() -> None:
    token = ConnectToken(Confidential(FIRST.encode()))
    assert token.authorization() == f"Bearer {FIRST}"
    assert token.token == Confidential(FIRST.encode())
    assert token.generation() == 0


class TestFile:
    def test_a_change_is_noticed_at_the_next_request_and_counted(self, file: pathlib.Path) -> None:
        token = ConnectToken(file)
        for number, text in enumerate((FIRST, SECOND, FIRST)):
            file.write_text(text)
            assert token.authorization() == f"Bearer {text}"
            assert token.generation() == number
        assert token.token == Confidential(FIRST.encode())

    def test_a_file_that_is_exchanged_as_the_kubelet_does_it_is_noticed(self, tmp_path: pathlib.Path) -> None:
        for name, text in (("one", FIRST), ("two", SECOND)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "token").write_text(text)
        (tmp_path / "..data").symlink_to("one")
        (tmp_path / "token").symlink_to("..data/token")
        token = ConnectToken(tmp_path / "token")
        assert token.authorization() == f"Bearer {FIRST}"
        (tmp_path / "new").symlink_to("two")
        os.replace(tmp_path / "new", tmp_path / "..data")  # noqa: PTH105  the system call itself
        assert token.authorization() == f"Bearer {SECOND}"

    def test_the_same_token_written_again_is_no_other_token(self, file: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        token = ConnectToken(file)
        file.write_text(f"{FIRST}\n\n")
        assert token.generation() == 0
        assert caplog.records == []

    @pytest.mark.parametrize("content", [None, "", " \n", "two words", "canary\nX: 1", "canäry", base64.b64encode(b"a.b.c").decode()])
    def test_without_a_token_in_it_the_one_before_is_kept_and_that_is_told_once(
        self, file: pathlib.Path, caplog: pytest.LogCaptureFixture, content: str | None
    ) -> None:
        token = ConnectToken(file)
        file.unlink() if content is None else file.write_text(content)
        for _ in range(3):
            assert (token.authorization(), token.generation()) == (f"Bearer {FIRST}", 0)
        (record,) = caplog.records
        detail = record.__dict__["detail"]
        assert str(file) in detail
        assert ("FileNotFoundError" in detail) is (content is None)
        assert "canary" not in f"{record.getMessage()} {detail}".replace(str(file), "")
        file.write_text(SECOND)
        assert token.authorization() == f"Bearer {SECOND}"

    @pytest.mark.parametrize(
        ("content", "said"),
        [(None, "can't be read (FileNotFoundError); mount the token there"), ("", "is empty"), ("canary canary", "white space")],
    )
    def test_at_the_start_it_has_to_be_there(self, tmp_path: pathlib.Path, content: str | None, said: str) -> None:
        file = tmp_path / "absent"
        if content is not None:
            file.write_text(content)
        with pytest.raises(TokenFileError) as caught:
            ConnectToken(file)
        assert said in str(caught.value)
        assert str(file) in str(caught.value)
        assert "canary" not in str(caught.value)

    def test_that_it_was_read_again_is_told_without_it(self, file: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        token = ConnectToken(file)
        file.write_text(SECOND)
        token.authorization()
        assert [record.getMessage() for record in caplog.records] == ["the Connect token has been read again"]
        assert "canary" not in f"{caplog.records[0].__dict__} {token!r} {token.__dict__}"


class TestExpiry:
    @pytest.mark.parametrize("expiry", [1767225600, 1767225600.5])
    def test_it_stands_in_the_token(self, expiry: float) -> None:
        assert token_with({"exp": expiry, "sub": "x"}).expires_at() == expiry

    @pytest.mark.parametrize("claims", [{}, {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 10**400}, [1767225600], "text"])
    def test_a_token_need_not_say(self, claims: Any) -> None:
        assert token_with(claims).expires_at() is None

    @pytest.mark.parametrize("text", [b"opaque", b"a.b", b"a.b.c.d", b"a.!.c", b"a.b.c", b"a." + base64.b64encode(b"[" * 100_000) + b".c"])
    def test_a_token_need_not_be_a_jwt(self, text: bytes) -> None:
        assert ConnectToken(Confidential(text)).expires_at() is None
