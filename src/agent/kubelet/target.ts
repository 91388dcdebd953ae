import type { V1Pod } from '@kubernetes/client-node'
import { allContainers } from '../../kube/forge/references.ts'
import { parseContainerName, parseNamespaceName, parsePodName } from '../../kube/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** A pod of this node that a request of the kubelet port names, and a container of it. */
export interface Target {
  namespace: string
  pod: string
  container: string
}

/** The pods bound to the node, as the port looks them up. */
export interface PodLookup {
  find(namespace: string, name: string): V1Pod | undefined
}

const notFound = (message: string) => new IsthmusError('not_found', message)

function findPod(pods: PodLookup, namespaceText: string, nameText: string, uid: string | undefined): V1Pod {
  const namespace = parseNamespaceName(namespaceText, 'namespace')
  const name = parsePodName(nameText, 'pod')
  const pod = pods.find(namespace, name)
  if (!pod || (uid !== undefined && pod.metadata?.uid !== uid)) {
    throw notFound(`pod ${namespace}/${name} is not on this node`)
  }
  return pod
}

/**
 * Resolves `<namespace>/<pod>[/<uid>]/<container>`; a uid that is not the pod's is as good as no pod.
 * @throws IsthmusError bad_request, not_found
 */
export function containerTarget(pods: PodLookup, segments: string[]): Target {
  if (segments.length < 3 || segments.length > 4) throw notFound('the path names no container')
  const [namespace = '', name = ''] = segments
  const container = parseContainerName(segments.at(-1), 'container')
  const pod = findPod(pods, namespace, name, segments.length === 4 ? segments[2] : undefined)
  if (!allContainers(pod).some((each) => each.name === container)) {
    throw notFound(`container ${container} is not in pod ${namespace}/${name}`)
  }
  return { namespace, pod: name, container }
}

/** Resolves `<namespace>/<pod>[/<uid>]`. @throws IsthmusError bad_request, not_found */
export function podTarget(pods: PodLookup, segments: string[]): Omit<Target, 'container'> {
  if (segments.length < 2 || segments.length > 3) throw notFound('the path names no pod')
  const [namespace = '', name = '', uid] = segments
  findPod(pods, namespace, name, uid)
  return { namespace, pod: name }
}
