"""Reference files: the arrays of all records of a family laid end to end per dtype, and a JSON index, in one small `.npz`.

A record is a dict; its arrays are numpy arrays, all else in it is JSON. Thousands of tiny arrays as members of a zip
would cost more than their content.
"""

import json
import os

import numpy as np


def write(path, records, versions):
    """Write `records` (name -> record) and the versions that made them; the file appears whole or not at all."""
    pools = {}
    index = {name: _packed(record, pools) for name, record in sorted(records.items())}
    text = json.dumps({"versions": versions, "records": index})  # unsorted: the order of a config's keywords is part of it
    members = {f"pool_{dtype}": np.concatenate(parts) for dtype, (parts, _) in pools.items()}
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path + ".part", "wb") as file:
        np.savez_compressed(file, index=np.frombuffer(text.encode("ascii"), dtype=np.uint8), **members)
    os.replace(path + ".part", path)


def read(path):
    """(records, versions) of a file that `write` made."""
    with np.load(path, allow_pickle=False) as members:
        index = json.loads(members["index"].tobytes().decode("ascii"))
        pools = {name[5:]: members[name] for name in members.files if name.startswith("pool_")}
    return {name: _unpacked(entry, pools) for name, entry in index["records"].items()}, index["versions"]


def _packed(record, pools):
    entry = {}
    for key, value in record.items():
        if isinstance(value, (np.ndarray, np.generic)):
            value = np.asarray(value)
            parts, length = pools.setdefault(str(value.dtype), ([], 0))
            parts.append(value.reshape(-1))
            pools[str(value.dtype)] = (parts, length + value.size)
            value = {"array": [str(value.dtype), length, list(value.shape)]}
        else:
            value = {"json": value}
        entry[key] = value
    return entry


def _unpacked(entry, pools):
    record = {}
    for key, value in entry.items():
        if "array" in value:
            dtype, start, shape = value["array"]
            record[key] = pools[dtype][start : start + int(np.prod(shape, dtype=int))].reshape(shape)
        else:
            record[key] = value["json"]
    return record
