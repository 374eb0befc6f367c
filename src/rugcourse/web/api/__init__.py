"""The API for programs, below `/api/v1`: JSON in and out, tokens instead of cookies (docs/api.md).

`client`        who asks, and what their token allows
`problems`      errors as `application/problem+json` (RFC 9457)
`pagination`    lists in pages with signed cursors
`idempotency`   requests that may be sent again
`resources`     what answers look like
`subscribers`, `courses`, `campaigns`, `suppressions`: the endpoints
`description`   the OpenAPI 3.1 description, made from them, and the reference to read
"""
