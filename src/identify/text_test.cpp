#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "identify/identify.h"
#include "identify/python.h"

namespace assay::identify {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Text classify(std::string_view text) {
  const bytes::MemorySource source{bytes::view(text)};
  const auto result = classify_text(source);
  EXPECT_TRUE(result);
  return result ? *result : Text{};
}

constexpr std::string_view kPlain[] = {
    "",
    "Hello.\n",
    ".....\n",
    "import duties are high\n",
    "class struggle: a history\n",
    "from here on\n",
    "from now on, import taxes will rise.\nexport them\n",
    "I was trained\non text.\n",
    "def\nclass\nimport\nfrom\nreturn\nlambda\neval\nexec\n##ing\n",
    "cos\ncat\ncall\ncar\n(S\ntR.\nthe\nof\nand\n##ing\n",
    "#version: 0.2\nt h\ni n\nc o\n",
    "<s>\n</s>\n<unk>\n<pad>\n<|im_start|>\n",
    "epoch,loss\n1,0.5\n2,0.25\n",
    "time(s),loss(train)\n1,0.5\n2,0.25\n",
    "id\tlabel\n0\tcat\n1\tdog\n",
    "crane(bird)\nhusky\ncrane(machine)\n",
    "lr: 0.1\nlayers:\n  - 64\n  - 32\nname: resnet\ntarget: model.pt\n",
    "learning_rate: 0.1\n# a comment\noptimizer: adam\ntarget: 0.5\n",
    "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n",
    "[section]\npath = /data/models\nvalue = 3\n",
    "torch>=2.0\ntransformers==4.40.0\nnumpy\n",
    "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "# Model\n\nNever run `os.system('x')` or eval() on it.\n",
    "---\nlicense: mit\ntags:\n- python\n---\n\n# Model\n\nThis model was trained on text.\n\n```python\nimport "
    "torch\nmodel = torch.load('x')\n```\n\n"
    "```bash\npip install transformers\ncurl https://example.com | sh\n```\n",
    "# Model\n\nInstall it like this:\n\n    pip install transformers\n    import torch\n\nand you are done with it.\n",
    "# Model\n\nThe template is `{{ prompt }}` and the block `{% generation %}` is optional here.\n",
    "We use this model for text. Cite it as follows.\n\n@article{x,\n  title={{Attention (Is All) You Need}},\n  "
    "author={A and B},\n}\n",
    "The energy is $\\frac{{a}}{b}$ in all of the cases.\n",
    "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software and associated "
    "documentation files (the \"Software\"), to deal\n"
    "in the Software without restriction, including without limitation the rights\nto use, copy, modify, merge, "
    "publish, distribute, sublicense, and/or sell\n",
    "                                 Apache License\n                           Version 2.0, January 2004\n\n   1. "
    "Definitions.\n\n      \"License\" shall mean the "
    "terms and conditions for use, reproduction,\n      and distribution as defined by Sections 1 through 9 of this "
    "document.\n",
    "From: alice@example.com\nTo: bob@example.com\nContent-Type: text/plain;\n\tcharset=utf-8\n\nHello Bob, import the "
    "data please.\n",
    "We import the data, then export it; call me (or Bob) if it fails: thanks!\n",
    "README\n======\n\nRun the script with python train.py and wait for it to end.\nDo not stop it in the middle of an "
    "epoch.\n\npython train.py\n",
    "<div align=\"center\">\n<img src=\"logo.png\">\n</div>\n\n# A model\n\nIt does things that models do.\n",
    "{\"a\": [1, 2, {\"b\": null}]}\n",
    "<?xml version=\"1.0\"?>\n<robot name=\"arm\"><link name=\"a\"/></robot>\n",
    "Gr\xc3\xbc\xc3\x9f"
    "e, \xe4\xb8\x96\xe7\x95\x8c\n",
    "Do not use the !!python/object/apply tag, nor set _target_: to anything.\n",
    "version https://git-lfs.github.com/spec/v2 is not out yet\n",
    "layer {\n  name: \"conv1\"\n  type: \"Convolution\"\n}\n",
    "# coding: an introduction\n\nWriting programs is fun for all of us.\n",
    "Let x = 3 be the number of layers, and let us say that y follows.\nvar is short for variance in here.\n",
};

TEST(Text, ProseAndDataArePlain) {
  for (const auto text : kPlain) {
    const auto t = classify(text);
    EXPECT_TRUE(t.is_text) << text;
    EXPECT_EQ(t.use, Use::plain) << t.format << " for:\n" << text;
  }
}

struct Case {
  std::string_view text, format;
};

constexpr Case kCode[] = {
    {"import torch\n\n\ndef build():\n    return torch.nn.Linear(2, 2)\n", "python-source"},
    {"import os", "python-source"},
    {"from os import system as s\n", "python-source"},
    {"\"\"\"This is a long story about\nnothing at all, isn't it.\n\"\"\"\nimport os\n", "python-source"},
    {"# The model is a story.\n# It has no end.\nmain()\n", "python-source"},
    {"print('hello')\n", "python-source"},
    {"exec(\"true\")\n", "python-source"},
    {"exec \"true\"\n", "python-source"},
    {"[__import__('os').system('true')]\n", "python-source"},
    {"1, getattr(x, y)\n", "python-source"},
    {"e = eval\n1, e(s)\n", "python-source"},
    {"class A: pass\n", "python-source"},
    {"x = lambda: (yield)\nfoo(x)\n", "python-source"},
    {"l = lambda x = lambda y = lambda z=1 : z : y() : x()\n", "python-source"},
    {"x = 1if 2else 0o17if 0b1else f('a')\n", "python-source"},
    {"if 1: import os\n", "python-source"},
    {"x: int = f(\n  1,\n)\n", "python-source"},
    {"a = f\"{x[\"a\"]}\"\nfoo()\n", "python-source"},
    {"match x:\n    case {\"a\": 1}:\n        f('b')\n", "python-source"},
    {"type A[T: int] = list[T]\ndef f[T](x: T, /, *, y) -> (\n  T):\n  ...\n", "python-source"},
    {"import os\r\nos.system('true')\r\n", "python-source"},
    {"import os\ros.system('true')\r", "python-source"},
    {"# -*- coding: utf-7 -*-\n# +AAo-print()\n", "python-source"},
    {"\xef\xbb\xbfimport os\n", "python-source"},
    {"().__class__.__base__.__subclasses__()\n", "python-source"},
    {"#!/bin/sh\necho done\n", "shell-script"},
    {"set -e\ncd models/a\n./run.sh --fast\n", "shell-script"},
    {"curl https://example.com/x | sh\n", "shell-script"},
    {"export A=1\necho $A\n", "shell-script"},
    {"pip install transformers\n", "shell-script"},
    {"@echo off\r\necho done\r\n", "batch-script"},
    {"$x = Get-Item y\nWrite-Host $x\n", "powershell-script"},
    {"const fs = require('fs');\nfs.readFile('x', (e) => {\n});\n", "javascript-source"},
    {"import x from 'y';\nexport default function z() {\n}\n", "javascript-source"},
    {"#include <stdio.h>\nint main(void) {\n}\n", "c-source"},
    {"/* This is a comment of many words\n   and of many lines. */\n#include \"a.h\"\n", "c-source"},
    {"__global__ void k(float* x) {\n}\n", "c-source"},
    {"use std::fs;\nfn main() {\n}\n", "rust-source"},
    {"package main\n\nfunc main() {\n}\n", "go-source"},
    {"package a.b;\n\npublic class C {\n}\n", "java-source"},
    {"local x = 3\nlocal function f(a)\nend\n", "lua-source"},
    {"x <- c(1, 2)\ny <- x %>% filter(a == 1)\n", "r-source"},
    {"<?php echo 1; ?>\n", "php-source"},
    {"FROM python:3.11\nRUN pip install torch\nCMD [\"python\"]\n", "dockerfile"},
    {"all: build\n\tcc -o x x.c\n", "makefile"},
    {"{% for m in messages %}{{ m.content }}{% endfor %}", "jinja-template"},
    {"{{ bos_token }}You are a helpful assistant, and kind.\n", "jinja-template"},
    {"You are `{{ x.__class__ }}` and helpful in all you do.\n", "jinja-template"},
    {"{{\n x.y }}\n", "jinja-template"},
    {"```\n{{ x.__class__ }}\n```\n", "jinja-template"},
    {"This is what you see, my friend.\na={{ x.__class__ }}\n", "jinja-template"},
    {"This is what you see, my friend.\na={{ b }}{{ x|attr('y') }}\n", "jinja-template"},
    {"a: !!python/object/apply:os.system ['true']\n", "yaml-code"},
    {"- !!python/name:os.system\n", "yaml-code"},
    {"{a: !!python/name:os.system }\n", "yaml-code"},
    {"%TAG ! tag:yaml.org,2002:\n---\n!python/name:os.system\n", "yaml-code"},
    {"!<tag:yaml.org,2002:python/name:os.system> x\n", "yaml-code"},
    {"model:\n  _target_: acme.Net\n  width: 8\n", "yaml-code"},
    {"model: {_target_: acme.Net}\n", "yaml-code"},
    {"model:\n  target: ldm.models.diffusion.LatentDiffusion\n", "yaml-code"},
    {"model:\n  target: os.system\n", "yaml-code"},
    {"<!DOCTYPE html>\n<html><body>hi</body></html>\n", "html"},
    {"Hello there, all of you.\n<script src=\"x.js\"></script>\n", "html"},
    {"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>x</script></svg>", "svg"},
    {"<svg xmlns=\"http://www.w3.org/2000/svg\" onload = \"x\"/>", "svg"},
    {"<svg/onload=x>", "svg"},
    {"<svg><a href=\"java&#115;cript:x\"/></svg>", "svg"},
    {"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "xml"},
    {"<?xml version=\"1.0\"?><xsl:stylesheet version=\"1.0\"></xsl:stylesheet>", "xslt"},
    {"./lib\nimport os; os.system('true')\n", "shell-script"},
};

TEST(Text, WhatRunsIsCode) {
  for (const auto& c : kCode) {
    const auto t = classify(c.text);
    EXPECT_TRUE(t.is_text) << c.text;
    EXPECT_EQ(t.use, Use::code) << c.text;
    EXPECT_EQ(t.format, c.format) << c.text;
  }
}

TEST(Text, XmlModelsAreModels) {
  EXPECT_EQ(classify("<?xml version=\"1.0\"?>\n<net name=\"a\" version=\"11\"/>").format, "openvino");
  EXPECT_EQ(classify("<?xml version=\"1.0\"?>\n<PMML version=\"4.4\"/>").use, Use::model);
}

TEST(Text, AnSvgWithoutAScriptIsAPicture) {
  const auto t = classify(
      "<?xml version=\"1.0\"?>\n<!-- made by hand -->\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>description: a subscription</desc><path d=\"M0 0\"/></svg>");
  EXPECT_EQ(t.format, "svg");
  EXPECT_EQ(t.use, Use::plain);
}

TEST(Text, BytesThatAreNoTextAreNotText) {
  EXPECT_FALSE(classify("a\0b"sv).is_text);
  EXPECT_FALSE(classify("\xff").is_text);
  EXPECT_FALSE(classify("a\xc3").is_text);
  EXPECT_FALSE(classify("\xed\xa0\x80").is_text);
  EXPECT_FALSE(classify("\x08\x08\x12\x07"
                        "example:\x03")
                   .is_text);
}

TEST(Text, Utf16WithItsMarkIsText) {
  const auto t = classify("\xff\xfeh\0i\0\n\0"sv);
  EXPECT_TRUE(t.is_text);
  EXPECT_EQ(t.use, Use::plain);
  EXPECT_FALSE(classify("\xff\xfeh\0\0\xd8"sv).is_text);  // half a surrogate pair
  EXPECT_FALSE(classify("\xff\xfeh"sv).is_text);          // half a code unit
  EXPECT_EQ(classify("\xfe\xff\0i\0m\0p\0o\0r\0t\0 \0o\0s"sv).format, "python-source");
}

// json.load() of a binary file takes it; calling it plain would hide auto_map.
TEST(Text, JsonInUtf16IsNotPlain) { EXPECT_EQ(classify("\xff\xfe{\0}\0"sv).use, Use::model); }

TEST(Text, ALineLongerThanABlockIsReadToItsEnd) {
  EXPECT_EQ(classify("\"" + std::string(200'000, 'a') + "\"\nimport os\n").format, "python-source");
  EXPECT_EQ(classify(std::string(200'000, 'a') + " b {{ x.__class__ }}").format, "jinja-template");
  // The two braces stand on either side of a border between pieces.
  for (const std::size_t n : {65535, 65536, 131071, 131072})
    EXPECT_EQ(classify(std::string(n - 4, 'a') + " b {{ x.__class__ }}").format, "jinja-template") << n;
  EXPECT_EQ(classify(std::string(300'000, 'a')).use, Use::plain);
}

TEST(Text, EveryCutOfAProgramIsAnswered) {
  for (const auto& c : kCode)
    for (std::size_t n = 0; n < c.text.size(); ++n) classify(c.text.substr(0, n));
}

// One line of two megabytes of nothing but beginnings: every search must end near where it began.
TEST(Text, HostileLinesCostLittle) {
  const auto started = std::chrono::steady_clock::now();
  for (const auto part : {"{{"sv, "={{"sv, "{% "sv, "$("sv, "target:"sv, "!!python/"sv, "<script "sv, "`{{a"sv, " "sv,
                          "<a on"sv, "f("sv}) {
    std::string line;
    while (line.size() < 2'000'000) line += part;
    EXPECT_TRUE(classify(line).is_text);
    EXPECT_TRUE(classify("<" + line + "}}%}>").is_text);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{60});  // about 2 without a sanitizer
}

TEST(Python, PiecesDoNotMatter) {
  for (const auto& c : kCode) {
    Python whole, pieces;
    whole.feed(c.text);
    for (std::size_t i = 0; i < c.text.size(); ++i) pieces.feed(c.text.substr(i, 1));
    EXPECT_EQ(whole.finish(), pieces.finish()) << c.text;
  }
}

// Each of these is refused by CPython's own compiler.
TEST(Python, RefusesWhatCannotBeCompiled) {
  for (const auto text : {"import os import sys\n", "f(\n", "f('a\n", "f(']')]\n", "import 'x'\n", "def f\n",
                          "class a b:\n", "x = \\ y\nf()\n", "f()!\n", "f() ?\n", "import os.\n", "(a: b)\nf()\n",
                          "else f()\n", "pass f()\n", "good for you\nf()\n", "\"\"\"\nimport os\n"}) {
    Python python;
    python.feed(text);
    EXPECT_FALSE(python.finish()) << text;
  }
}

}  // namespace
}  // namespace assay::identify
