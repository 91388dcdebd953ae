import { createKubeClient, type KubeClient } from '../../src/kube/client/index.ts'

/** One arm: the data plane itself, or the gateway in front of it; the namespace is the same one by its two names. */
export interface Arm {
  name: 'direct' | 'gateway'
  server: string
  ca: string
  token: string
  namespace: string
}

/** The same keep-alive client for both arms. */
export function clientOf(arm: Arm): KubeClient {
  const { server, ca, token } = arm
  return createKubeClient({ server, ca, token })
}

export const podsOf = (arm: Arm): string[] => ['api', 'v1', 'namespaces', arm.namespace, 'pods']
