#include "format/pickle/python2.h"

#include <algorithm>
#include <array>

namespace assay::format::pickle {
namespace {

struct Module {
  std::string_view from, to;
};
struct Name {
  std::string_view from_module, from_name, to_module, to_name;
};

// Sorted by the key. The tables are those of CPython 3.11's _compat_pickle; later versions read the same.
constexpr std::array kModules = {
    Module{"BaseHTTPServer", "http.server"},
    Module{"CGIHTTPServer", "http.server"},
    Module{"ConfigParser", "configparser"},
    Module{"Cookie", "http.cookies"},
    Module{"Dialog", "tkinter.dialog"},
    Module{"DocXMLRPCServer", "xmlrpc.server"},
    Module{"FileDialog", "tkinter.filedialog"},
    Module{"HTMLParser", "html.parser"},
    Module{"Queue", "queue"},
    Module{"ScrolledText", "tkinter.scrolledtext"},
    Module{"SimpleDialog", "tkinter.simpledialog"},
    Module{"SimpleHTTPServer", "http.server"},
    Module{"SimpleXMLRPCServer", "xmlrpc.server"},
    Module{"SocketServer", "socketserver"},
    Module{"StringIO", "io"},
    Module{"Tix", "tkinter.tix"},
    Module{"Tkconstants", "tkinter.constants"},
    Module{"Tkdnd", "tkinter.dnd"},
    Module{"Tkinter", "tkinter"},
    Module{"UserDict", "collections"},
    Module{"UserList", "collections"},
    Module{"UserString", "collections"},
    Module{"__builtin__", "builtins"},
    Module{"_abcoll", "collections.abc"},
    Module{"_elementtree", "xml.etree.ElementTree"},
    Module{"_winreg", "winreg"},
    Module{"anydbm", "dbm"},
    Module{"cPickle", "pickle"},
    Module{"cStringIO", "io"},
    Module{"commands", "subprocess"},
    Module{"cookielib", "http.cookiejar"},
    Module{"copy_reg", "copyreg"},
    Module{"dbhash", "dbm.bsd"},
    Module{"dbm", "dbm.ndbm"},
    Module{"dumbdbm", "dbm.dumb"},
    Module{"dummy_thread", "_dummy_thread"},
    Module{"gdbm", "dbm.gnu"},
    Module{"htmlentitydefs", "html.entities"},
    Module{"httplib", "http.client"},
    Module{"markupbase", "_markupbase"},
    Module{"repr", "reprlib"},
    Module{"robotparser", "urllib.robotparser"},
    Module{"test.test_support", "test.support"},
    Module{"thread", "_thread"},
    Module{"tkColorChooser", "tkinter.colorchooser"},
    Module{"tkCommonDialog", "tkinter.commondialog"},
    Module{"tkFileDialog", "tkinter.filedialog"},
    Module{"tkFont", "tkinter.font"},
    Module{"tkMessageBox", "tkinter.messagebox"},
    Module{"tkSimpleDialog", "tkinter.simpledialog"},
    Module{"ttk", "tkinter.ttk"},
    Module{"urllib2", "urllib.request"},
    Module{"urlparse", "urllib.parse"},
    Module{"whichdb", "dbm"},
    Module{"xmlrpclib", "xmlrpc.client"},
};

constexpr std::array kNames = {
    Name{"UserDict", "IterableUserDict", "collections", "UserDict"},
    Name{"UserDict", "UserDict", "collections", "UserDict"},
    Name{"UserList", "UserList", "collections", "UserList"},
    Name{"UserString", "UserString", "collections", "UserString"},
    Name{"__builtin__", "basestring", "builtins", "str"},
    Name{"__builtin__", "intern", "sys", "intern"},
    Name{"__builtin__", "long", "builtins", "int"},
    Name{"__builtin__", "reduce", "functools", "reduce"},
    Name{"__builtin__", "unichr", "builtins", "chr"},
    Name{"__builtin__", "unicode", "builtins", "str"},
    Name{"__builtin__", "xrange", "builtins", "range"},
    Name{"_multiprocessing", "Connection", "multiprocessing.connection", "Connection"},
    Name{"_socket", "fromfd", "socket", "fromfd"},
    Name{"exceptions", "ArithmeticError", "builtins", "ArithmeticError"},
    Name{"exceptions", "AssertionError", "builtins", "AssertionError"},
    Name{"exceptions", "AttributeError", "builtins", "AttributeError"},
    Name{"exceptions", "BaseException", "builtins", "BaseException"},
    Name{"exceptions", "BufferError", "builtins", "BufferError"},
    Name{"exceptions", "BytesWarning", "builtins", "BytesWarning"},
    Name{"exceptions", "DeprecationWarning", "builtins", "DeprecationWarning"},
    Name{"exceptions", "EOFError", "builtins", "EOFError"},
    Name{"exceptions", "EnvironmentError", "builtins", "EnvironmentError"},
    Name{"exceptions", "Exception", "builtins", "Exception"},
    Name{"exceptions", "FloatingPointError", "builtins", "FloatingPointError"},
    Name{"exceptions", "FutureWarning", "builtins", "FutureWarning"},
    Name{"exceptions", "GeneratorExit", "builtins", "GeneratorExit"},
    Name{"exceptions", "IOError", "builtins", "IOError"},
    Name{"exceptions", "ImportError", "builtins", "ImportError"},
    Name{"exceptions", "ImportWarning", "builtins", "ImportWarning"},
    Name{"exceptions", "IndentationError", "builtins", "IndentationError"},
    Name{"exceptions", "IndexError", "builtins", "IndexError"},
    Name{"exceptions", "KeyError", "builtins", "KeyError"},
    Name{"exceptions", "KeyboardInterrupt", "builtins", "KeyboardInterrupt"},
    Name{"exceptions", "LookupError", "builtins", "LookupError"},
    Name{"exceptions", "MemoryError", "builtins", "MemoryError"},
    Name{"exceptions", "NameError", "builtins", "NameError"},
    Name{"exceptions", "NotImplementedError", "builtins", "NotImplementedError"},
    Name{"exceptions", "OSError", "builtins", "OSError"},
    Name{"exceptions", "OverflowError", "builtins", "OverflowError"},
    Name{"exceptions", "PendingDeprecationWarning", "builtins", "PendingDeprecationWarning"},
    Name{"exceptions", "ReferenceError", "builtins", "ReferenceError"},
    Name{"exceptions", "RuntimeError", "builtins", "RuntimeError"},
    Name{"exceptions", "RuntimeWarning", "builtins", "RuntimeWarning"},
    Name{"exceptions", "StandardError", "builtins", "Exception"},
    Name{"exceptions", "StopIteration", "builtins", "StopIteration"},
    Name{"exceptions", "SyntaxError", "builtins", "SyntaxError"},
    Name{"exceptions", "SyntaxWarning", "builtins", "SyntaxWarning"},
    Name{"exceptions", "SystemError", "builtins", "SystemError"},
    Name{"exceptions", "SystemExit", "builtins", "SystemExit"},
    Name{"exceptions", "TabError", "builtins", "TabError"},
    Name{"exceptions", "TypeError", "builtins", "TypeError"},
    Name{"exceptions", "UnboundLocalError", "builtins", "UnboundLocalError"},
    Name{"exceptions", "UnicodeDecodeError", "builtins", "UnicodeDecodeError"},
    Name{"exceptions", "UnicodeEncodeError", "builtins", "UnicodeEncodeError"},
    Name{"exceptions", "UnicodeError", "builtins", "UnicodeError"},
    Name{"exceptions", "UnicodeTranslateError", "builtins", "UnicodeTranslateError"},
    Name{"exceptions", "UnicodeWarning", "builtins", "UnicodeWarning"},
    Name{"exceptions", "UserWarning", "builtins", "UserWarning"},
    Name{"exceptions", "ValueError", "builtins", "ValueError"},
    Name{"exceptions", "Warning", "builtins", "Warning"},
    Name{"exceptions", "ZeroDivisionError", "builtins", "ZeroDivisionError"},
    Name{"itertools", "ifilter", "builtins", "filter"},
    Name{"itertools", "ifilterfalse", "itertools", "filterfalse"},
    Name{"itertools", "imap", "builtins", "map"},
    Name{"itertools", "izip", "builtins", "zip"},
    Name{"itertools", "izip_longest", "itertools", "zip_longest"},
    Name{"multiprocessing", "AuthenticationError", "multiprocessing.context", "AuthenticationError"},
    Name{"multiprocessing", "BufferTooShort", "multiprocessing.context", "BufferTooShort"},
    Name{"multiprocessing", "ProcessError", "multiprocessing.context", "ProcessError"},
    Name{"multiprocessing", "TimeoutError", "multiprocessing.context", "TimeoutError"},
    Name{"multiprocessing.forking", "Popen", "multiprocessing.popen_fork", "Popen"},
    Name{"multiprocessing.process", "Process", "multiprocessing.context", "Process"},
    Name{"socket", "_socketobject", "socket", "SocketType"},
    Name{"urllib", "ContentTooShortError", "urllib.error", "ContentTooShortError"},
    Name{"urllib", "getproxies", "urllib.request", "getproxies"},
    Name{"urllib", "pathname2url", "urllib.request", "pathname2url"},
    Name{"urllib", "quote", "urllib.parse", "quote"},
    Name{"urllib", "quote_plus", "urllib.parse", "quote_plus"},
    Name{"urllib", "unquote", "urllib.parse", "unquote"},
    Name{"urllib", "unquote_plus", "urllib.parse", "unquote_plus"},
    Name{"urllib", "url2pathname", "urllib.request", "url2pathname"},
    Name{"urllib", "urlcleanup", "urllib.request", "urlcleanup"},
    Name{"urllib", "urlencode", "urllib.parse", "urlencode"},
    Name{"urllib", "urlopen", "urllib.request", "urlopen"},
    Name{"urllib", "urlretrieve", "urllib.request", "urlretrieve"},
    Name{"urllib2", "HTTPError", "urllib.error", "HTTPError"},
    Name{"urllib2", "URLError", "urllib.error", "URLError"},
    Name{"whichdb", "whichdb", "dbm", "whichdb"},
};

}  // namespace

std::pair<std::string_view, std::string_view> from_python2(std::string_view module, std::string_view name) noexcept {
  const auto key = std::pair{module, name};
  const auto n = std::lower_bound(kNames.begin(), kNames.end(), key, [](const Name& entry, const auto& wanted) {
    return std::pair{entry.from_module, entry.from_name} < wanted;
  });
  if (n != kNames.end() && n->from_module == module && n->from_name == name) return {n->to_module, n->to_name};
  const auto m = std::lower_bound(kModules.begin(), kModules.end(), module,
                                  [](const Module& entry, std::string_view wanted) { return entry.from < wanted; });
  if (m != kModules.end() && m->from == module) return {m->to, name};
  return key;
}

}  // namespace assay::format::pickle
