/* The one function of bcryptprimitives.dll that Rust's standard library asks for, for a Wine that has no such
   library: random bytes, from the older function of the same system. Beside an executable under Wine only;
   Windows brings its own. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{
    while (count > 0) {
        ULONG part = count > 0x10000000 ? 0x10000000 : (ULONG)count;
        if (!RtlGenRandom(bytes, part))
            return FALSE;
        bytes += part;
        count -= part;
    }
    return TRUE;
}
