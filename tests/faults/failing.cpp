// Lets a process run out of memory or disk when a test says so. Preloaded, it stands between the
// libraries and the system: the n-th allocation that one library makes fails, or the n-th write of the
// process fails with an error number.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

char *code_begin, *code_end;        // of the library whose allocations count
std::atomic<long> memory_left{-1};  // allocations before the one that fails; -1: none fails
std::atomic<long> writes_left{-1};
std::atomic<long> failed{0}, seen{0};
std::atomic<int> write_error{0};

bool fails(void* caller) {
    const char* from = static_cast<char*>(caller);
    if (from < code_begin || from >= code_end) return false;
    ++seen;
    if (memory_left < 0 || memory_left-- != 0) return false;
    ++failed;
    return true;
}

bool write_fails() {
    if (writes_left < 0) return false;
    ++seen;
    if (writes_left-- != 0) return false;
    ++failed;
    writes_left = 0; // a full disk stays full
    errno = write_error;
    return true;
}

template <class F> F* next(const char* name) { return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name)); }

int find(dl_phdr_info* info, std::size_t, void* name) {
    if (std::strstr(info->dlpi_name, static_cast<char*>(name)) == nullptr) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = info->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || !(part.p_flags & PF_X)) continue;
        code_begin = reinterpret_cast<char*>(info->dlpi_addr + part.p_vaddr);
        code_end = code_begin + part.p_memsz;
    }
    return 1;
}

} // namespace

extern "C" {

// Allocations of the library whose file name holds this text count from now on; 0 if there is none.
int watch_library(const char* name) {
    return dl_iterate_phdr(find, const_cast<char*>(name));
}
void fail_memory_after(long n) {
    failed = seen = 0;
    memory_left = n;
}
void fail_writes_after(long n, int error) {
    failed = seen = 0;
    write_error = error;
    writes_left = n;
}
long how_many_failed() { return failed; }
long how_many_seen() { return seen; }

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

#define CALLER __builtin_return_address(0)

void* malloc(std::size_t size) { return fails(CALLER) ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) {
    return fails(CALLER) ? nullptr : __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t size) {
    return fails(CALLER) ? nullptr : __libc_realloc(p, size);
}
int posix_memalign(void** p, std::size_t align, std::size_t size) {
    void* block = fails(CALLER) ? nullptr : __libc_memalign(align, size);
    if (block != nullptr) *p = block;
    return block != nullptr ? 0 : ENOMEM;
}

ssize_t write(int file, const void* data, std::size_t size) {
    static const auto real = next<ssize_t(int, const void*, std::size_t)>("write");
    return file > 2 && write_fails() ? -1 : real(file, data, size);
}
int fsync(int file) {
    static const auto real = next<int(int)>("fsync");
    return write_fails() ? -1 : real(file);
}

} // extern "C"

void* operator new(std::size_t size) {
    void* block = fails(CALLER) ? nullptr : __libc_malloc(size > 0 ? size : 1);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
