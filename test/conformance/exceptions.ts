import type { Exception } from './judge.ts'

/** The tests that pass on a real node and not on the virtual one, each with its reason. */
export const exceptions: Readonly<Record<string, Exception>> = {
  '[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file': {
    reason: 'its pod uses hostNetwork and hostPath, which belong to the data plane’s operator',
    ever: 'by nature not',
  },
}
