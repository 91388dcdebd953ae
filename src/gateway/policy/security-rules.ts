import { only, onlyElements, refuse, type TypeRules } from './rule.ts'

/** Pod Security Standards, baseline: the capabilities of a container runtime's default set. */
const baselineCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

/** Pod Security Standards, baseline: namespaced sysctls that reach nobody else. */
const baselineSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]

/**
 * `kubectl debug` asks for SYS_PTRACE unless it is told another profile (`general` is its default, 1.36); NET_ADMIN is
 * netadmin's. The refusal says which of its profiles ask for nothing that is refused.
 */
const onlyBaseline = onlyElements(baselineCapabilities)
const DEBUG =
  'beyond the baseline of the Pod Security Standards; kubectl debug: use --profile=restricted or --profile=baseline'

function capabilities(value: unknown): string | undefined {
  const why = onlyBaseline(value)
  return why === undefined ? undefined : `${why}: ${DEBUG}`
}

/** `--profile=sysadmin` asks for it. */
function privileged(value: unknown): string | undefined {
  const why = only(false)(value)
  return why === undefined ? undefined : `${why}: ${DEBUG}`
}

const SELINUX = 'labels of the host are not the tenant’s'
const WINDOWS = 'only Linux is served'

/** Security contexts: Pod Security Standards' baseline, stricter where a profile or label names something of the host. */
export const securityRules: Readonly<Record<string, TypeRules>> = {
  SecurityContext: {
    allowPrivilegeEscalation: 'allow',
    appArmorProfile: 'allow',
    capabilities: 'allow',
    privileged,
    procMount: only('Default'),
    readOnlyRootFilesystem: 'allow',
    runAsGroup: 'allow',
    runAsNonRoot: 'allow',
    runAsUser: 'allow',
    seLinuxOptions: refuse(SELINUX),
    seccompProfile: 'allow',
    windowsOptions: refuse(WINDOWS),
  },
  PodSecurityContext: {
    appArmorProfile: 'allow',
    fsGroup: 'allow',
    fsGroupChangePolicy: 'allow',
    runAsGroup: 'allow',
    runAsNonRoot: 'allow',
    runAsUser: 'allow',
    seLinuxChangePolicy: refuse(SELINUX),
    seLinuxOptions: refuse(SELINUX),
    seccompProfile: 'allow',
    supplementalGroups: 'allow',
    supplementalGroupsPolicy: 'allow',
    sysctls: 'allow',
    windowsOptions: refuse(WINDOWS),
  },
  AppArmorProfile: {
    localhostProfile: refuse('profiles of the host are not the tenant’s'),
    type: only('RuntimeDefault'),
  },
  SeccompProfile: {
    localhostProfile: refuse('profiles of the host are not the tenant’s'),
    type: only('RuntimeDefault'),
  },
  Capabilities: { add: capabilities, drop: 'allow' },
  Sysctl: { name: only(...baselineSysctls), value: 'allow' },
}
