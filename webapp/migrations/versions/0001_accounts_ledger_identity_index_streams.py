"""accounts, ledger, identity index, streams"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("hub_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_reason", sa.String(length=200), nullable=True),
        sa.Column("hub_domain", sa.String(length=255), nullable=True),
        sa.Column("ui_domain", sa.String(length=255), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=8), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("installed_by", sa.String(length=40), nullable=True),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest_key", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_cliniko_ids", sa.JSON(), nullable=False),
        sa.Column("provisioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provision_report", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uninstalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("hub_id", name=op.f("pk_account")),
    )
    op.create_table(
        "erased_person",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("memory_hmac", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hub_id", "memory_hmac", name=op.f("pk_erased_person")),
    )
    op.create_table(
        "never_match",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("cliniko_hmac", sa.LargeBinary(length=16), nullable=False),
        sa.Column("hubspot_hmac", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hub_id", "cliniko_hmac", "hubspot_hmac", name=op.f("pk_never_match")),
    )
    op.create_table(
        "account_setting",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_account_setting_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hub_id", "name", name=op.f("pk_account_setting")),
    )
    op.create_table(
        "connection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("api_key", sa.LargeBinary(), nullable=True),
        sa.Column("shard", sa.String(length=8), nullable=False),
        sa.Column("cliniko_account_id", sa.String(length=32), nullable=False),
        sa.Column("cliniko_user_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=True),
        sa.Column("account_name", sa.String(length=255), nullable=True),
        sa.Column("subdomain", sa.String(length=255), nullable=True),
        sa.Column("country_code", sa.String(length=2), nullable=True),
        sa.Column("access", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_connection_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("hub_id", "cliniko_account_id", name=op.f("uq_connection_hub_id")),
    )
    op.create_index(op.f("ix_connection_hub_id"), "connection", ["hub_id"], unique=False)

    op.create_table(
        "connection_attempt",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("api_key", sa.LargeBinary(), nullable=True),
        sa.Column("replace", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_connection_attempt_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_attempt")),
    )
    op.create_index(op.f("ix_connection_attempt_hub_id"), "connection_attempt", ["hub_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_lease_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hub_id", "name", name=op.f("pk_lease")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("cycle_no", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["account.hub_id"], name=op.f("fk_run_hub_id_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("hub_id", "stream", "cycle_no", name="uq_run_cycle"),
    )
    op.create_index(op.f("ix_run_finished_at"), "run", ["finished_at"], unique=False)

    op.create_table(
        "stream_state",
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("cycle_no", sa.Integer(), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("requested", sa.Boolean(), nullable=False),
        sa.Column("reread", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_stream_state_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hub_id", "stream", name=op.f("pk_stream_state")),
    )
    op.create_index(op.f("ix_stream_state_next_run_at"), "stream_state", ["next_run_at"], unique=False)

    op.create_table(
        "cursor",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("list_name", sa.String(length=60), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_id", sa.String(length=32), nullable=True),
        sa.Column("next_page", sa.Integer(), nullable=True),
        sa.Column("pass_no", sa.Integer(), nullable=False),
        sa.Column("done_cycle", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_cursor_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "list_name", name=op.f("pk_cursor")),
    )
    op.create_index(op.f("ix_cursor_hub_id"), "cursor", ["hub_id"], unique=False)

    op.create_table(
        "issue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hubspot_id", sa.String(length=32), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_issue_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_issue_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint("connection_id", "kind", "cliniko_id", "cause", "field", name="uq_issue_record"),
    )
    op.create_index("ix_issue_open", "issue", ["hub_id", "state", "retry_at"], unique=False)

    op.create_table(
        "link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hubspot_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("fields", sa.LargeBinary(), nullable=True),
        sa.Column("email_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("withheld_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("shared_email", sa.Boolean(), nullable=False),
        sa.Column("cliniko_status", sa.String(length=10), nullable=False),
        sa.Column("cliniko_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unlinked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_link_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_link_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("connection_id", "kind", "cliniko_id", name="uq_link_cliniko"),
        sa.UniqueConstraint("hub_id", "kind", "hubspot_id", name="uq_link_hubspot"),
    )
    op.create_index("ix_link_email", "link", ["hub_id", "email_hmac"], unique=False)
    op.create_index("ix_link_state", "link", ["hub_id", "kind", "state"], unique=False)
    op.create_index("ix_link_withheld", "link", ["hub_id", "withheld_hmac"], unique=False)

    op.create_table(
        "person",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("email_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("first_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("preferred_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("last_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("birth_hmac", sa.LargeBinary(length=16), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("display", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_person_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "cliniko_id", name=op.f("pk_person")),
    )
    op.create_index("ix_person_email", "person", ["connection_id", "kind", "email_hmac"], unique=False)
    op.create_index(op.f("ix_person_hub_id"), "person", ["hub_id"], unique=False)

    op.create_table(
        "person_term",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("term", sa.LargeBinary(length=16), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_person_term_connection_id_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "cliniko_id", "term", name=op.f("pk_person_term")),
    )
    op.create_index(op.f("ix_person_term_hub_id"), "person_term", ["hub_id"], unique=False)
    op.create_index("ix_person_term_term", "person_term", ["connection_id", "kind", "term"], unique=False)

    op.create_table(
        "referral",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=True),
        sa.Column("type_id", sa.String(length=32), nullable=True),
        sa.Column("subcategory", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_referral_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "patient_id", name=op.f("pk_referral")),
    )
    op.create_index(op.f("ix_referral_hub_id"), "referral", ["hub_id"], unique=False)

    op.create_table(
        "review",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hubspot_id", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_review_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_review_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("connection_id", "kind", "cliniko_id", "hubspot_id", "cause", name="uq_review_pair"),
    )
    op.create_index("ix_review_open", "review", ["hub_id", "state"], unique=False)

    op.create_table(
        "work_item",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_work_item_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "cliniko_id", name=op.f("pk_work_item")),
    )
    op.create_index("ix_work_item_due", "work_item", ["connection_id", "kind", "due_at"], unique=False)
    op.create_index(op.f("ix_work_item_hub_id"), "work_item", ["hub_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_work_item_hub_id"), table_name="work_item")
    op.drop_index("ix_work_item_due", table_name="work_item")

    op.drop_table("work_item")
    op.drop_index("ix_review_open", table_name="review")

    op.drop_table("review")
    op.drop_index(op.f("ix_referral_hub_id"), table_name="referral")

    op.drop_table("referral")
    op.drop_index("ix_person_term_term", table_name="person_term")
    op.drop_index(op.f("ix_person_term_hub_id"), table_name="person_term")

    op.drop_table("person_term")
    op.drop_index(op.f("ix_person_hub_id"), table_name="person")
    op.drop_index("ix_person_email", table_name="person")

    op.drop_table("person")
    op.drop_index("ix_link_withheld", table_name="link")
    op.drop_index("ix_link_state", table_name="link")
    op.drop_index("ix_link_email", table_name="link")

    op.drop_table("link")
    op.drop_index("ix_issue_open", table_name="issue")

    op.drop_table("issue")
    op.drop_index(op.f("ix_cursor_hub_id"), table_name="cursor")

    op.drop_table("cursor")
    op.drop_index(op.f("ix_stream_state_next_run_at"), table_name="stream_state")

    op.drop_table("stream_state")
    op.drop_index(op.f("ix_run_finished_at"), table_name="run")

    op.drop_table("run")
    op.drop_table("lease")
    op.drop_index(op.f("ix_connection_attempt_hub_id"), table_name="connection_attempt")

    op.drop_table("connection_attempt")
    op.drop_index(op.f("ix_connection_hub_id"), table_name="connection")

    op.drop_table("connection")
    op.drop_table("account_setting")
    op.drop_table("never_match")
    op.drop_table("erased_person")
    op.drop_table("account")
