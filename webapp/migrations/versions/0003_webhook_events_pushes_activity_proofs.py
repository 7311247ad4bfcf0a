"""webhook events, pushes, activity, proofs"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=True),
        sa.Column("hubspot_id", sa.String(length=32), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_activity_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index("ix_activity_at", ["at"], unique=False)
        batch_op.create_index("ix_activity_contact", ["hub_id", "hubspot_id"], unique=False)
        batch_op.create_index("ix_activity_recent", ["hub_id", "id"], unique=False)
        batch_op.create_index("ix_activity_record", ["hub_id", "cliniko_id"], unique=False)

    op.create_table(
        "hook_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("object_type", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.String(length=32), nullable=False),
        sa.Column("property_name", sa.String(length=100), nullable=True),
        sa.Column("switched_on", sa.Boolean(), nullable=False),
        sa.Column("merged_ids", sa.JSON(), nullable=False),
        sa.Column("survivor_id", sa.String(length=32), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_hook_event_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_event")),
        sa.UniqueConstraint("hub_id", "mark", name=op.f("uq_hook_event_hub_id")),
    )
    with op.batch_alter_table("hook_event", schema=None) as batch_op:
        batch_op.create_index("ix_hook_event_new", ["state", "hub_id", "id"], unique=False)

    op.create_table(
        "proof",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_proof_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof")),
    )
    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proof_hub_id"), ["hub_id"], unique=False)

    op.create_table(
        "push_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("hubspot_id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("held_by", sa.String(length=20), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_push_request_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_request")),
        sa.UniqueConstraint("hub_id", "key", name="uq_push_request_key"),
        sa.UniqueConstraint("hub_id", "what", "hubspot_id", "asked_at", name="uq_push_request_once"),
    )
    with op.batch_alter_table("push_request", schema=None) as batch_op:
        batch_op.create_index("ix_push_request_contact", ["hub_id", "hubspot_id"], unique=False)
        batch_op.create_index("ix_push_request_open", ["hub_id", "state", "retry_at"], unique=False)

    op.create_table(
        "push_intent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("hubspot_id", sa.String(length=32), nullable=False),
        sa.Column("person_hmac", sa.LargeBinary(length=16), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_push_intent_connection_id_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_intent")),
        sa.UniqueConstraint("connection_id", "kind", "hubspot_id", name="uq_push_intent_contact"),
    )
    with op.batch_alter_table("push_intent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_intent_hub_id"), ["hub_id"], unique=False)
        batch_op.create_index("ix_push_intent_person", ["connection_id", "kind", "person_hmac"], unique=False)

    op.create_table(
        "signin_link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["hub_id"], ["account.hub_id"], name=op.f("fk_signin_link_hub_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_link")),
        sa.UniqueConstraint("hub_id", "key", name="uq_signin_link_key"),
        sa.UniqueConstraint("token_hash", name="uq_signin_link_token"),
    )


def downgrade() -> None:
    op.drop_table("signin_link")
    with op.batch_alter_table("push_intent", schema=None) as batch_op:
        batch_op.drop_index("ix_push_intent_person")
        batch_op.drop_index(batch_op.f("ix_push_intent_hub_id"))

    op.drop_table("push_intent")
    with op.batch_alter_table("push_request", schema=None) as batch_op:
        batch_op.drop_index("ix_push_request_open")
        batch_op.drop_index("ix_push_request_contact")

    op.drop_table("push_request")
    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proof_hub_id"))

    op.drop_table("proof")
    with op.batch_alter_table("hook_event", schema=None) as batch_op:
        batch_op.drop_index("ix_hook_event_new")

    op.drop_table("hook_event")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index("ix_activity_record")
        batch_op.drop_index("ix_activity_recent")
        batch_op.drop_index("ix_activity_contact")
        batch_op.drop_index("ix_activity_at")

    op.drop_table("activity")
