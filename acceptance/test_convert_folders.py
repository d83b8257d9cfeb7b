"""assay convert of folders and of models in several files, and what it does where a product stands already."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

from conftest import ERROR, FOUND, USAGE, assay
from conversions import (repository, assert_index_is_true, changed_value, convert, index_in, one,
                       read_safetensors, sharded, simple, statuses, tensors_of, tree)

# Folders -------------------------------------------------------------------------------------------------------------

PRODUCTS = {"model.safetensors": "a", "unet/diffusion_pytorch_model.safetensors": "b", "unet/deep/x.safetensors": "c"}


def test_a_folder_is_converted_in_place(repository):
    before = tree(repository)
    answer = convert(repository)
    assert answer.code == 0
    assert statuses(answer) == {"pytorch_model.bin": "converted", "diffusion_pytorch_model.bin": "converted",
                                "x.ckpt": "converted", "tokenizer.pkl": "skipped"}
    after = tree(repository)
    assert set(after) - set(before) == set(PRODUCTS) and {k: after[k] for k in before} == before


@pytest.mark.parametrize("spelling", ["out", "out/", "there", "new/er"])
def test_an_output_folder_keeps_the_tree(repository, tmp_path, spelling):
    (tmp_path / "there").mkdir()
    before = tree(repository)
    answer = convert(repository, "-o", f"{tmp_path}/{spelling}")
    assert answer.code == 0, answer
    out = tmp_path / spelling
    assert {p for p in tree(out) if not p.endswith("/")} == set(PRODUCTS)
    assert all(set(tensors_of(out / path)) == {name} for path, name in PRODUCTS.items())
    assert tree(repository) == before


@pytest.mark.parametrize("where", [".", "./", "../repository"])
def test_a_folder_may_be_named_in_any_way(repository, where):
    assert convert(where, cwd=repository).code == 0
    assert set(PRODUCTS) <= set(tree(repository))


def test_several_files_do_not_fit_into_one(repository, tmp_path):
    target = tmp_path / "one.safetensors"
    answer = assay("convert", repository, "-o", target)
    assert answer.code == ERROR and answer.err.count(b"\n") == 1 and b"no folder" in answer.err and not target.exists()


def test_a_folder_of_one_checkpoint_goes_to_a_folder_too(tmp_path):
    """What -o means must not depend on how many files a folder happens to hold."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(simple("a"))
    assert convert(tmp_path / "in", "-o", tmp_path / "out").code == 0
    assert set(tree(tmp_path / "out")) == {"a.safetensors"}
    assert convert(tmp_path / "in", "-o", tmp_path / "named.safetensors").code == 0
    assert (tmp_path / "named.safetensors").is_file()


def test_two_sources_do_not_become_one_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("x"))
    (tmp_path / "a.pt").write_bytes(simple("y"))
    for words in ([], ["--force"], ["--dry-run", "-o", f"{tmp_path}/other/"]):
        answer = convert(tmp_path, *words)
        assert answer.code == FOUND
        (why,) = [c["why"] for c in answer.report["conversions"] if c["status"] == "refused"]
        assert "a.bin becomes" in why and "a.safetensors" in why
        assert set(tensors_of(tmp_path / "a.safetensors")) == {"x"}


def test_files_of_one_name_from_two_folders_do_not_become_one_file(tmp_path):
    for folder, name in (("1", "x"), ("2", "y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.bin").write_bytes(simple(name))
    answer = convert(tmp_path / "1/a.bin", tmp_path / "2/a.bin", "-o", f"{tmp_path}/out/")
    assert answer.code == FOUND and [c["status"] for c in answer.report["conversions"]] == ["converted", "refused"]
    assert set(tensors_of(tmp_path / "out/a.safetensors")) == {"x"}


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "outside.bin").write_bytes(simple("secret"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.bin").symlink_to("../outside.bin")
    answer = convert(tmp_path / "in")
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["link.bin"], answer


def test_an_empty_folder(tmp_path):
    answer = assay("convert", tmp_path)
    assert (answer.code, answer.text) == (0, "there is no checkpoint here\n")


# Shards --------------------------------------------------------------------------------------------------------------



def test_a_sharded_model_keeps_its_shards(sharded):
    answer = convert(sharded)
    assert answer.code == 0 and one(answer)["index"].endswith("model.safetensors.index.json")
    assert_index_is_true(sharded)
    assert set(index_in(sharded)["weight_map"].values()) == {f"model-0000{i}-of-00002.safetensors" for i in (1, 2)}
    first = json.loads(read_safetensors(sharded / "model-00001-of-00002.safetensors")[1]["assay.sources"])
    assert [s["name"] for s in first] == ["pytorch_model-00001-of-00002.bin"]
    again = convert(sharded)
    assert again.code == 0 and one(again)["status"] == "there"


def test_a_sharded_model_goes_to_a_folder(sharded, tmp_path):
    assert convert(sharded, "-o", tmp_path / "out").code == 0
    assert_index_is_true(tmp_path / "out")
    assert convert("--check", sharded, tmp_path / "out").code == 0


def test_an_index_keeps_the_name_of_its_model(sharded):
    for path in list(sharded.iterdir()):
        path.rename(sharded / f"diffusion_{path.name}")
    index = sharded / "diffusion_pytorch_model.bin.index.json"
    index.write_text(index.read_text().replace('"pytorch_model', '"diffusion_pytorch_model'))
    assert convert(sharded).code == 0
    assert {p.name for p in sharded.glob("*.safetensors*")} == {
        "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model-00001-of-00002.safetensors",
        "diffusion_pytorch_model-00002-of-00002.safetensors"}


def test_a_missing_shard_refuses_the_model(sharded):
    (sharded / "pytorch_model-00002-of-00002.bin").unlink()
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and "pytorch_model-00002-of-00002.bin is missing" in one(answer)["why"]
    assert tree(sharded) == before


def test_shards_can_become_one_file_and_more_files(sharded):
    assert convert(sharded, "--shard-size", "5MB").code == 0
    assert set(tensors_of(sharded / "model.safetensors")) == set("abcd")
    assert not (sharded / "model.safetensors.index.json").exists()
    assert convert(sharded, "--shard-size", "20").code == 0
    assert_index_is_true(sharded)
    assert len(set(index_in(sharded)["weight_map"].values())) == 4
    assert (sharded / "model-00003-of-00004.safetensors").is_file()


@pytest.mark.parametrize("size, files", [("16", 4), ("32B", 2), ("47", 2), ("48", 2), ("64", 1), ("1kB", 1), ("5 MB", 1), ("2GB", 1)])
def test_a_single_file_can_be_sharded(tmp_path, size, files):
    (tmp_path / "a.bin").write_bytes(simple(*"abcd"))
    answer = convert(tmp_path / "a.bin", "--shard-size", size)
    assert answer.code == 0 and len(one(answer)["products"]) == files
    found = {}
    for product in one(answer)["products"]:
        found |= tensors_of(pathlib.Path(product["path"]))
    assert set(found) == set("abcd")
    assert (tmp_path / "a.safetensors.index.json").is_file() is (files > 1)


@pytest.mark.parametrize("size", ["", "many", "-5MB", "5XB"])
def test_a_shard_size_without_sense(tmp_path, size):
    (tmp_path / "a.bin").write_bytes(simple("a"))
    answer = assay("convert", tmp_path / "a.bin", "--shard-size", size)
    assert answer.code == USAGE and answer.err.count(b"\n") == 1 and len(list(tmp_path.iterdir())) == 1


def test_an_index_that_says_something_else_is_not_left_standing(sharded):
    assert convert(sharded).code == 0
    index = sharded / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("00001-of", "00009-of"))
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and "index.json" in one(answer)["why"] and tree(sharded) == before
    assert convert(sharded, "--force").code == 0
    assert_index_is_true(sharded)


@pytest.mark.parametrize("missing", ["model-00001-of-00002.safetensors", "model.safetensors.index.json"])
def test_half_a_product_is_told(sharded, missing):
    convert(sharded)
    (sharded / missing).unlink()
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and missing in one(answer)["why"] and "--force" in one(answer)["why"]
    assert tree(sharded) == before
    assert convert(sharded, "--force").code == 0


@pytest.mark.parametrize("blocked", ["model-00002-of-00002.safetensors", "model.safetensors.index.json"])
def test_where_one_of_several_files_cannot_take_its_place_none_does(sharded, blocked):
    convert(sharded)
    (sharded / "model-00001-of-00002.safetensors").write_bytes(b"old")
    (sharded / blocked).unlink()
    (sharded / blocked).mkdir()
    (sharded / blocked / "inside").write_text("here")
    before = tree(sharded)
    answer = convert(sharded, "--force")
    assert answer.code == ERROR and "no regular file" in one(answer)["why"]
    assert tree(sharded) == before


def test_files_that_took_their_place_give_it_back(sharded):
    """The second of three may not be replaced, which only its renaming finds out."""
    convert(sharded)
    for name in ("model-00001-of-00002.safetensors", "model.safetensors.index.json"):
        (sharded / name).write_bytes(b"old")
    stubborn = sharded / "model-00002-of-00002.safetensors"
    if subprocess.run(["chattr", "+i", stubborn], capture_output=True, check=False).returncode != 0:
        pytest.skip("no file can be made immutable here")
    try:
        before = tree(sharded)
        answer = convert(sharded, "--force")
        assert answer.code == ERROR and "Operation not permitted" in one(answer)["why"] and one(answer)["notices"] == []
        assert tree(sharded) == before
    finally:
        subprocess.run(["chattr", "-i", stubborn], check=True)
    assert convert(sharded, "--force").code == 0
    assert_index_is_true(sharded)


# What is there already -----------------------------------------------------------------------------------------------

def stamps(folder):
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns, p.stat().st_ctime_ns) for p in folder.iterdir()}


def test_a_second_run_touches_nothing(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    before = stamps(tmp_path)
    answer = convert(tmp_path / "a.bin")
    assert answer.code == 0 and one(answer)["status"] == "there" and stamps(tmp_path) == before
    assert b"up to date" in assay("convert", tmp_path / "a.bin").out




@pytest.mark.parametrize("other", [lambda raw: b"", lambda raw: b"something else", changed_value, lambda raw: raw[:-4],
                                   lambda raw: raw.replace(b'"w"', b'"v"')],
                         ids=["empty", "text", "one bit", "short", "another name"])
def test_another_file_is_never_overwritten_without_force(tmp_path, other):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    good = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(other(good))
    before = stamps(tmp_path)
    answer = convert(tmp_path / "a.bin")
    assert answer.code == FOUND and "--force" in one(answer)["why"] and stamps(tmp_path) == before
    answer = convert("--force", tmp_path / "a.bin")
    assert answer.code == 0 and one(answer)["products"][0]["replaces"] is True
    assert (tmp_path / "a.safetensors").read_bytes() == good
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("words", [[], ["--force"], ["--force", "--remove-source"]], ids=" ".join)
def test_the_source_is_never_its_own_product(tmp_path, words):
    source = tmp_path / "a.bin"
    source.write_bytes(simple("w"))
    (tmp_path / "link").symlink_to("a.bin")
    os.link(source, tmp_path / "hard")
    before = tree(tmp_path)
    for target in ("a.bin", "link", "hard"):
        answer = convert(source, "-o", tmp_path / target, *words)
        assert answer.code == FOUND and "source itself" in one(answer)["why"] and tree(tmp_path) == before


def test_output_is_a_folder_a_link_a_pipe_or_a_device(tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(simple("w"))
    (tmp_path / "folder").mkdir()
    assert convert(source, "-o", tmp_path / "folder").code == 0 and (tmp_path / "folder" / "a.safetensors").is_file()
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to("elsewhere")
    assert convert(source, "-o", tmp_path / "link").code == FOUND
    assert convert(source, "-o", tmp_path / "link", "--force").code == 0
    assert (tmp_path / "elsewhere").read_text() == "precious" and not (tmp_path / "link").is_symlink()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert convert(source, "-o", tmp_path / "dangling").code == FOUND and (tmp_path / "dangling").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (tmp_path / "pipe", tmp_path / "null", "/dev/null", "/dev/stdout"):
        assert convert(source, "-o", path, patience=20).code == FOUND
        answer = convert(source, "-o", path, "--force", patience=20)
        assert answer.code == ERROR and "no regular file" in one(answer)["why"]
    assert (tmp_path / "pipe").is_fifo() and pathlib.Path("/dev/null").is_char_device()
