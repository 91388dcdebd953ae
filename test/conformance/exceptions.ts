import type { Exception } from './judge.ts'

/** The tests that pass on a real node and not on the virtual one, each with its reason. */
export const exceptions: Readonly<Record<string, Exception>> = {
  '[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file': {
    reason: 'its pod uses hostNetwork and hostPath, which belong to the data plane’s operator',
    ever: 'by nature not',
  },
}

/** The tests that the real node of these clusters does not pass either, each with what it lacks. */
export const baseFailures: Readonly<Record<string, string>> = {
  '[sig-node] ImageVolume should succeed with pod and pull policy of Always':
    'it pulls its image from a registry, and these clusters have none',
}
