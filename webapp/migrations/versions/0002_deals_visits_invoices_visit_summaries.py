"""deals, visits, invoices, visit summaries"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bill",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=True),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_bill_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "cliniko_id", name=op.f("pk_bill")),
    )
    with op.batch_alter_table("bill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bill_hub_id"), ["hub_id"], unique=False)
        batch_op.create_index("ix_bill_patient", ["connection_id", "patient_id"], unique=False)

    op.create_table(
        "visit",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cliniko_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=True),
        sa.Column("booking_id", sa.String(length=32), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("type_id", sa.String(length=32), nullable=True),
        sa.Column("practitioner_id", sa.String(length=32), nullable=True),
        sa.Column("business_id", sa.String(length=32), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_visit_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "cliniko_id", name=op.f("pk_visit")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index("ix_visit_booking", ["connection_id", "booking_id"], unique=False)
        batch_op.create_index("ix_visit_case", ["connection_id", "case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_hub_id"), ["hub_id"], unique=False)
        batch_op.create_index("ix_visit_patient", ["connection_id", "patient_id"], unique=False)
        batch_op.create_index("ix_visit_start", ["connection_id", "kind", "starts_at"], unique=False)

    op.create_table(
        "visit_summary",
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_id", sa.String(length=32), nullable=True),
        sa.Column("fields", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_visit_summary_connection_id_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "patient_id", name=op.f("pk_visit_summary")),
    )
    with op.batch_alter_table("visit_summary", schema=None) as batch_op:
        batch_op.create_index("ix_visit_summary_due", ["connection_id", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_summary_hub_id"), ["hub_id"], unique=False)

    with op.batch_alter_table("cursor", schema=None) as batch_op:
        batch_op.add_column(sa.Column("edge", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("target", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("patient_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("contact_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("pipeline", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("stage", sa.String(length=100), nullable=True))
        batch_op.create_index("ix_link_patient", ["connection_id", "patient_id"], unique=False)

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("concession_id", sa.String(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_column("concession_id")

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_index("ix_link_patient")
        batch_op.drop_column("stage")
        batch_op.drop_column("pipeline")
        batch_op.drop_column("contact_id")
        batch_op.drop_column("patient_id")

    with op.batch_alter_table("cursor", schema=None) as batch_op:
        batch_op.drop_column("target")
        batch_op.drop_column("edge")

    with op.batch_alter_table("visit_summary", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_summary_hub_id"))
        batch_op.drop_index("ix_visit_summary_due")

    op.drop_table("visit_summary")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index("ix_visit_start")
        batch_op.drop_index("ix_visit_patient")
        batch_op.drop_index(batch_op.f("ix_visit_hub_id"))
        batch_op.drop_index("ix_visit_case")
        batch_op.drop_index("ix_visit_booking")

    op.drop_table("visit")
    with op.batch_alter_table("bill", schema=None) as batch_op:
        batch_op.drop_index("ix_bill_patient")
        batch_op.drop_index(batch_op.f("ix_bill_hub_id"))

    op.drop_table("bill")
