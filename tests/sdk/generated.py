"""A client that openapi-python-client has generated: makes, lists, edits and deletes a key.

generated.py DIRECTORY URL TOKEN; DIRECTORY holds the package `latchkey_client`. Prints what the test compares.
"""

import json
import sys

directory, url, token = sys.argv[1:]
sys.path.insert(0, directory)

from latchkey_client import AuthenticatedClient  # noqa: E402
from latchkey_client.api.keys import create_key, delete_key, edit_key, get_key, list_keys  # noqa: E402
from latchkey_client.models import KeyEdit, NewKey  # noqa: E402

client = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)

everything = create_key.sync(
    client=client,
    body=NewKey.from_dict({"account": "demo", "region": "local", "name": "everything"}),
    idempotency_key="generated",
)
made = create_key.sync(
    client=client,
    body=NewKey.from_dict(
        {
            "account": "demo",
            "region": "local",
            "name": "python",
            "scope": {"models": ["glm-5.1"], "services": "all"},
            "labels": {"team": "search"},
            "expires_at": "2099-01-01T00:00:00Z",
        }
    ),
)
listed = list_keys.sync(client=client, account="demo", label="team=search")
edited = edit_key.sync(
    made.id,
    client=client,
    body=KeyEdit.from_dict({"name": made.name, "description": "edited", "expires_at": None}),
)
shown = get_key.sync(made.id, client=client)
refused = create_key.sync(
    client=client,
    body=NewKey.from_dict({"account": "demo", "region": "local", "name": " "}),
)
deleted = delete_key.sync(made.id, client=client, confirm=made.name)

print(
    json.dumps(
        {
            "all": everything.to_dict()["scope"],
            "has_value": made.key.startswith("sk-"),
            "listed": [key.id == made.id for key in listed.keys],
            "edited": edited.description,
            "expires_at": shown.expires_at,
            "scope": shown.to_dict()["scope"],
            "labels": shown.to_dict()["labels"],
            "refused": [refused.status, refused.errors[0].field],
            "deleted": deleted.id == made.id,
        }
    )
)
