"""What this venue answers when it says no, in OANDA's shape: {"errorMessage": ...}.

OandaError                400    a value is missing or wrong
├── UnauthorizedError     401    no token, or an unknown one
├── ForbiddenError        403    the account belongs to another token
├── NotFoundError         404    no such order, trade, transaction or path
└── BusyError             429    too many requests or streams
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ratchet.common.errors import DatabaseUnavailableError
from ratchet.paper_exchange.errors import describe

_STATUS_TEXT = {404: "The requested resource does not exist.", 405: "The requested method is not allowed."}


class OandaError(Exception):
    """An error reply; `extra` are further fields of its body."""

    status = 400

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.body = {"errorMessage": message, **extra}


class UnauthorizedError(OandaError):
    """The token is missing or unknown."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Insufficient authorization to perform request.")


class ForbiddenError(OandaError):
    """The token may not use this account."""

    status = 403


class NotFoundError(OandaError):
    """The thing asked for does not exist."""

    status = 404


class BusyError(OandaError):
    """Too many requests."""

    status = 429


def invalid(field: str, value: object = None, allowed: str = "") -> OandaError:
    """Return the error for a wrong value of a field."""
    shown = "" if value is None else f": {value!r}"
    return OandaError(
        f"Invalid value specified for '{field}'{shown}" + (f"; allowed: {allowed}" if allowed else "")
    )


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the app a JSON body with `errorMessage`."""

    @app.exception_handler(OandaError)
    async def _oanda(_request: Request, error: OandaError) -> JSONResponse:
        return JSONResponse(error.body, error.status)

    @app.exception_handler(DatabaseUnavailableError)
    async def _unavailable(_request: Request, error: DatabaseUnavailableError) -> JSONResponse:
        return JSONResponse({"errorMessage": f"the exchange's database does not answer: {error}"}, 503)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"errorMessage": f"Invalid value specified: {describe(error.errors())}"}, 400)

    @app.exception_handler(Exception)
    async def _failed(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"errorMessage": "internal server error"}, 500)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        text = _STATUS_TEXT.get(error.status_code, str(error.detail))
        return JSONResponse({"errorMessage": text}, error.status_code, headers=error.headers)
