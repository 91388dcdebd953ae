import { userName } from '../authorise.ts'
import { readObject } from '../body.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'

/** POST of a SelfSubjectReview: `kubectl auth whoami`. */
export async function reviewSelf(call: KubeCall): Promise<KubeAnswer> {
  const { kind, apiVersion } = readObject(call, {
    kind: 'SelfSubjectReview',
    apiVersion: 'authentication.k8s.io/v1',
  })
  const { principal } = call
  const userInfo = {
    username: userName(principal),
    uid: principal.nodeId,
    groups: ['isthmus:nodes', 'system:authenticated'],
    extra: {
      'isthmus.dev/tenant': [principal.tenantName],
      'isthmus.dev/node': [principal.nodeName],
      'isthmus.dev/access': [principal.access],
    },
  }
  return {
    status: 201,
    body: {
      kind,
      apiVersion,
      metadata: { creationTimestamp: new Date(call.nowMs).toISOString() },
      status: { userInfo },
    },
  }
}
