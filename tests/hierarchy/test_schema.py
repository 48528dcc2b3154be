"""The JSON Schema: the one that was released, which files carry and documents fulfil."""

import json

import h5py
import jsonschema
import pytest
from hierarchy.samples import rich_tree

from legacy_weights.hierarchy import VERSION, open_file, schema, write


def test_the_released_schema_is_that_of_the_models():
    released = json.loads(schema.released_schema(VERSION))
    assert released == json.loads(schema.generated_schema())
    jsonschema.Draft202012Validator.check_schema(released)


def test_documents_fulfil_the_schema_that_their_file_carries(tmp_path):
    path = tmp_path / "out.h5"
    write(rich_tree(), path)
    with h5py.File(path) as h5:
        embedded = json.loads(h5["meta/schema"][()])
        manifest = json.loads(h5["meta/manifest"][()])
    validator = jsonschema.Draft202012Validator(embedded)
    validator.validate(manifest)
    with open_file(path) as file:
        document = file.document()
    validator.validate(document)
    assert len(document["index"]) == manifest["arrays"] == 9
    for change in ({"format_version": 2}, {"surplus": 1}, {"source": {}}, {"arrays": -1}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**manifest, **change})
