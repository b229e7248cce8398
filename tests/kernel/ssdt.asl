// Gives the two CPUs of a QEMU q35 machine ACPI P-states, so that the guest's
// own acpi-cpufreq driver offers a real cpufreq policy: three frequencies, the
// governors, scaling_setspeed. The "register" behind them is the scratch I/O
// port of QEMU's pc-testdev (0xE0), which reads back what was written.
// Each _PSS row: MHz, mW, transition latency us, bus latency us, control, status.
// With -D APART each CPU is a clock domain of its own, otherwise both share one.
#ifdef APART
#define SECOND_DOMAIN 1
#define CPUS_OF_DOMAIN 1
#else
#define SECOND_DOMAIN 0
#define CPUS_OF_DOMAIN 2
#endif
DefinitionBlock ("ssdt.aml", "SSDT", 2, "REINX", "PSTATE  ", 1)
{
    External (\_SB.CPUS.C000, ProcessorObj)
    External (\_SB.CPUS.C001, ProcessorObj)
    Scope (\_SB.CPUS.C000)
    {
        Name (_PCT, Package () { ResourceTemplate () { Register (SystemIO, 16, 0, 0xE0) },
                                 ResourceTemplate () { Register (SystemIO, 16, 0, 0xE0) } })
        Name (_PSS, Package () { Package () { 2000, 30000, 10, 10, 0x14, 0x14 },
                                 Package () { 1400, 18000, 10, 10, 0x0E, 0x0E },
                                 Package () {  800,  9000, 10, 10, 0x08, 0x08 } })
        Name (_PPC, 0)
        Name (_PSD, Package () { Package () { 5, 0, 0, 0xFC, CPUS_OF_DOMAIN } })
    }
    Scope (\_SB.CPUS.C001)
    {
        Name (_PCT, Package () { ResourceTemplate () { Register (SystemIO, 16, 0, 0xE0) },
                                 ResourceTemplate () { Register (SystemIO, 16, 0, 0xE0) } })
        Name (_PSS, Package () { Package () { 2000, 30000, 10, 10, 0x14, 0x14 },
                                 Package () { 1400, 18000, 10, 10, 0x0E, 0x0E },
                                 Package () {  800,  9000, 10, 10, 0x08, 0x08 } })
        Name (_PPC, 0)
        Name (_PSD, Package () { Package () { 5, 0, SECOND_DOMAIN, 0xFC, CPUS_OF_DOMAIN } })
    }
}
