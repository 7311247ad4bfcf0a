"""Words for why a record or a stream is held up. They are stored; the pages turn them into sentences."""

# A record (issues)
EMAIL_REFUSED = "email_refused"
FIELD_REFUSED = "field_refused"
KEY_TAKEN = "key_taken"
REQUIRED_PROPERTY = "required_property"
PROPERTY_MISSING = "property_missing"
NOT_FOUND = "not_found"
REFUSED = "refused"
UNREADABLE = "unreadable_record"
NOT_RETURNED = "not_returned"
CURRENCY_REFUSED = "currency_refused"
STAGE_MISSING = "stage_missing"

# What somebody asked for (a push, an unlink) and could not be done
PUSH_GAVE_UP = "push_gave_up"
PUSH_REFUSED = "push_refused"

# A held link and its review: HubSpot merged its contact into another record's
MERGED_IN_HUBSPOT = "merged_in_hubspot"

# A stream (stream_state.cause)
KEY_REVOKED = "key_revoked"
UNINSTALLED = "uninstalled"
NOT_CONNECTED = "not_connected"
NOT_PROVISIONED = "not_provisioned"
LIST_FORBIDDEN = "list_forbidden"
MISSING_SCOPES = "missing_scopes"
RATE_LIMITED = "rate_limited"
UNAVAILABLE = "unavailable"
OUR_FAULT = "our_fault"
BUSY = "busy"
AFTER_PATIENTS = "after_patients"
NO_PIPELINE = "no_pipeline"
