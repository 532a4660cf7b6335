"""What the venue answers when it says no: an HTTP status, Alpaca's code, a message and extra fields.

ApiError
├── UnauthorizedError     401 40110000
├── ForbiddenError        403 40310000
├── NotFoundError         404 40410000
├── InvalidError          422 40010001    a field is missing or wrong
├── UnprocessableError    422 42210000    a rule of the venue says no
└── UnavailableError      503 50310000    the venue's database does not answer
KnownIdError                         the database has an order of this client_order_id
AccountMismatchError                 the database holds an account of other assets: stop
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ratchet.common.errors import ConfigError, DatabaseUnavailableError
from ratchet.core.exchange import OrderRejected

DATA_PATHS = ("/v2/stocks", "/v1beta3/crypto", "/v1beta1/options", "/v1/corporate-actions")
# Where in a request a field is, and the tags of order bodies: no part of the field's own name.
_PLACES = frozenset(("body", "query", "path", "asset", "option"))


class ApiError(Exception):
    """An error reply; the code's first three digits are its family, not always the HTTP status."""

    status = 500
    code = 50010000

    def __init__(self, message: str, *, code: int | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra
        if code is not None:
            self.code = code

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {"code": self.code, "message": self.message, **self.extra}


class UnauthorizedError(ApiError):
    """The credentials are missing or wrong."""

    status, code = 401, 40110000


class ForbiddenError(ApiError):
    """The account may not do this, such as for lack of buying power."""

    status, code = 403, 40310000


class NotFoundError(ApiError):
    """The order, position, asset or path does not exist."""

    status, code = 404, 40410000


class InvalidError(ApiError):
    """A field of the request is missing or wrong; the message names it."""

    status, code = 422, 40010001


class UnprocessableError(ApiError):
    """The request is well formed, but a rule of the venue forbids it."""

    status, code = 422, 42210000


class UnavailableError(ApiError):
    """The venue's own database does not answer: nothing was changed."""

    status, code = 503, 50310000


class KnownIdError(Exception):
    """The database has an order of the same client_order_id, which memory has forgotten."""


class AccountMismatchError(ConfigError):
    """The database holds this account with other assets than the registry lists."""


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the app a JSON body with `code` and `message`."""

    @app.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> JSONResponse:
        return _answer(request, error)

    @app.exception_handler(OrderRejected)
    async def _rejected(_request: Request, error: OrderRejected) -> JSONResponse:
        return refusal(error)

    @app.exception_handler(DatabaseUnavailableError)
    async def _unavailable(_request: Request, error: DatabaseUnavailableError) -> JSONResponse:
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _answer(request, InvalidError(describe(error.errors())))

    @app.exception_handler(Exception)
    async def _failed(_request: Request, _error: Exception) -> JSONResponse:
        # The server logs the error itself; clients parse every body as JSON.
        return failure()

    @app.exception_handler(HTTPException)
    async def _http_error(_request: Request, error: HTTPException) -> JSONResponse:
        body = {"code": error.status_code * 100_000 + 10_000, "message": str(error.detail).lower()}
        return JSONResponse(body, error.status_code, headers=error.headers)


def refusal(error: ApiError | OrderRejected | DatabaseUnavailableError) -> JSONResponse:
    """Return the answer that says no, in the words of the trading API."""
    if isinstance(error, OrderRejected):
        return JSONResponse({"code": error.code, "message": error.message, **error.extras}, error.http_status)
    if isinstance(error, DatabaseUnavailableError):
        error = UnavailableError(f"the exchange's database does not answer: {error}")
    return JSONResponse(error.body(), error.status)


def failure() -> JSONResponse:
    """Return the answer to a request that the exchange could not handle."""
    return JSONResponse(ApiError("internal server error").body(), ApiError.status)


def _answer(request: Request, error: ApiError) -> JSONResponse:
    """Answer in the words of the API that was asked: that of market data knows no codes, and 400 for 422."""
    if not request.url.path.startswith(DATA_PATHS):
        return refusal(error)
    if isinstance(error, UnauthorizedError):
        return JSONResponse({"message": "forbidden."}, error.status)
    return JSONResponse({"message": error.message}, 400 if error.status == 422 else error.status)


def describe(problems: Any) -> str:
    """Return one line that names each wrong field, its value and what is allowed."""
    lines = []
    for problem in problems:
        place = [str(part) for part in problem["loc"] if part not in _PLACES]
        message = problem["msg"].removeprefix("Value error, ")
        shown = "" if problem["type"] == "missing" or not place else f" {problem['input']!r}"
        lines.append(f"{'.'.join(place)}{shown}: {message}" if place else message)
    return "; ".join(lines)
