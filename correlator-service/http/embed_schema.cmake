# Makes OUTPUT, a C++ source that holds the bytes of INPUT, a serialised FileDescriptorSet.
file(READ "${INPUT}" hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
file(WRITE "${OUTPUT}" "#include \"correlator-service/http/schema.h\"

namespace alertjoin {

std::string_view SerialisedSchema() {
  return std::string_view(\"${bytes}\", ${size});
}

}  // namespace alertjoin
")
