// One description of the document's shape; every codec (binary between cell and parent, JSON for
// people) is driven by it, so no two of them can disagree.
#pragma once
#include "format/document.h"

namespace assay::format {

// `codec(name, field)` is called for each field in order. The name is the JSON key.
template <class Codec>
void describe(Codec& c, bytes::Extent& v) {
  c("begin", v.begin);
  c("end", v.end);
}
template <class Codec>
void describe(Codec& c, bytes::Unexamined& v) {
  c("extent", v.extent);
  c("reason", v.reason);
}
template <class Codec>
void describe(Codec& c, bytes::Coverage& v) {
  c("delegated", v.total[0]);
  c("parsed", v.total[1]);
  c("inert", v.total[2]);
  c("padding", v.total[3]);
  c("unexamined_bytes", v.total[4]);
  c("unexamined", v.unexamined);
}
template <class Codec>
void describe(Codec& c, Place& v) {
  c("member", v.member);
  c("offset", v.offset);
}
template <class Codec>
void describe(Codec& c, Expr& v) {
  c("kind", v.kind);
  c("cut", v.cut);
  c("size", v.size);
  c("text", v.text);
  c("name", v.name);
  c("items", v.items);
}
template <class Codec>
void describe(Codec& c, Member& v) {
  c("parent", v.parent);
  c("name", v.name);
  c("role", v.role);
  c("offset", v.offset);
  c("size", v.size);
  c("formats", v.formats);
  c("coverage", v.coverage);
}
template <class Codec>
void describe(Codec& c, Import& v) {
  c("place", v.place);
  c("profiles", v.profiles);
  c("module", v.module);
  c("name", v.name);
  c("written", v.written);
  c("resolved", v.resolved);
  c("count", v.count);
}
template <class Codec>
void describe(Codec& c, Call& v) {
  c("place", v.place);
  c("profiles", v.profiles);
  c("kind", v.kind);
  c("callee", v.callee);
  c("args", v.args);
  c("count", v.count);
  c("sampled", v.sampled);
}
template <class Codec>
void describe(Codec& c, Pickle& v) {
  c("place", v.place);
  c("end", v.end);
  c("profiles", v.profiles);
  c("protocol", v.protocol);
  c("stopped", v.stopped);
  c("weak", v.weak);
  c("opcodes", v.opcodes);
}
template <class Codec>
void describe(Codec& c, Quirk& v) {
  c("place", v.place);
  c("profiles", v.profiles);
  c("id", v.id);
  c("detail", v.detail);
}
template <class Codec>
void describe(Codec& c, Stop& v) {
  c("place", v.place);
  c("profiles", v.profiles);
  c("reader", v.reader);
  c("code", v.code);
  c("what", v.what);
}
template <class Codec>
void describe(Codec& c, Checkpoint& v) {
  c("member", v.member);
  c("layout", v.layout);
  c("tensors", v.tensors);
  c("tensor_bytes", v.tensor_bytes);
  c("weights_only", v.weights_only);
  c("reason", v.reason);
  c("reason_place", v.reason_place);
}
template <class Codec>
void describe(Codec& c, Reference& v) {
  c("kind", v.kind);
  c("target", v.target);
}
template <class Codec>
void describe(Codec& c, Observation& v) {
  c("engine", v.engine);
  c("rule", v.rule);
  c("place", v.place);
  c("length", v.length);
  c("line", v.line);
  c("shown", v.shown);
  c("fingerprint", v.fingerprint);
  c("detail", v.detail);
  c("verification", v.verification);
}
template <class Codec>
void describe(Codec& c, EngineRun& v) {
  c("engine", v.engine);
  c("version", v.version);
  c("rule_set", v.rule_set);
  c("complete", v.complete);
  c("what", v.what);
  c("passed_over", v.passed_over);
}
template <class Codec>
void describe(Codec& c, Origin& v) {
  c("object", v.object);
  c("commit", v.commit);
  c("author", v.author);
  c("email", v.email);
  c("date", v.date);
  c("other_paths", v.other_paths);
}
template <class Codec>
void describe(Codec& c, Document& v) {
  c("schema", v.schema);
  c("parser", v.parser);
  c("path", v.path);
  c("size", v.size);
  c("sha256", v.sha256);
  c("tier", v.tier);
  c("members", v.members);
  c("pickles", v.pickles);
  c("imports", v.imports);
  c("calls", v.calls);
  c("quirks", v.quirks);
  c("stops", v.stops);
  c("checkpoints", v.checkpoints);
  c("references", v.references);
  c("observations", v.observations);
  c("engines", v.engines);
  c("origins", v.origins);
}

}  // namespace assay::format
