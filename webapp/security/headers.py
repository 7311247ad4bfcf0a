"""Security headers of every answer: no inline script, nothing from elsewhere, framed by HubSpot only."""

from flask import Flask, Response

from webapp.config import Settings

# HubSpot shows install pages in a frame; its app hosts differ by region.
HUBSPOT_FRAMES = (
    "https://app.hubspot.com https://app-eu1.hubspot.com https://app-na2.hubspot.com https://app-ap1.hubspot.com"
)


def init_app(app: Flask) -> None:
    """Add the headers after every request."""
    settings: Settings = app.config["CRMCONNECT"]
    # A form may end in a redirect to HubSpot's consent page; browsers apply form-action to that as well.
    policy = (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        f"base-uri 'none'; form-action 'self' {settings.hubspot_app_url}; frame-ancestors 'self' {HUBSPOT_FRAMES}"
    )

    @app.after_request
    def add(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if settings.secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if not response.cache_control.max_age and not response.cache_control.public:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
