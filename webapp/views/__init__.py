"""Pages and endpoints. How a visitor of each is recognised is said here, where it is registered."""

from flask import Flask


def register_blueprints(app: Flask) -> None:
    """Register every blueprint with its kind of access: open, operator, install, tenant, signed."""
    from webapp.security.tenant import current_account
    from webapp.views import (
        account,
        activity,
        card,
        connect,
        dashboard,
        health,
        install,
        nav,
        people,
        review,
        settings,
        showing,
        signin,
        times,
        webhooks,
    )

    app.register_blueprint(health.blueprint)  # open: says up or not, and metrics behind the operator's token
    app.register_blueprint(install.blueprint)  # install: a one-time state or a one-time grant, bound to the browser
    app.register_blueprint(connect.blueprint)  # tenant: every view is @signed_in
    app.register_blueprint(dashboard.blueprint)  # tenant: every view is @signed_in, except the start page and sign-out
    app.register_blueprint(account.blueprint)  # tenant: every view is @signed_in
    app.register_blueprint(activity.blueprint)  # tenant: every view is @signed_in
    app.register_blueprint(people.blueprint)  # tenant: every view is @signed_in
    app.register_blueprint(review.blueprint)  # tenant: every view is @signed_in_staff
    app.register_blueprint(settings.blueprint)  # tenant: every view is @signed_in
    app.register_blueprint(webhooks.blueprint)  # signed: HubSpot's signature over the raw body
    app.register_blueprint(card.blueprint)  # signed: the same, and who asks from the signed parameters only
    app.register_blueprint(signin.blueprint)  # link: a token that works once, made for a signed request
    app.jinja_env.filters.update(ago=times.ago, clock_time=times.clock_time, number=times.number)
    app.jinja_env.filters.update(kind_words=showing.kind_words)
    app.context_processor(lambda: {"current_account": current_account, "main_pages": nav.main_pages})
