import type { PodUpgradeRequest } from '../ports.ts'

/** Path and query of a stream on the kubelet (registry/core/pod streamLocation, PortForwardLocation). */
export function streamTarget(request: PodUpgradeRequest): { path: string[]; query: URLSearchParams } {
  const { pod, verb, container } = request
  const of = [pod.metadata?.namespace ?? '', pod.metadata?.name ?? '']
  const query = new URLSearchParams()
  if (verb === 'portforward') {
    for (const port of request.ports) query.append('port', String(port))
    return { path: ['portForward', ...of], query }
  }
  if (request.stdin) query.set('input', '1')
  if (request.stdout) query.set('output', '1')
  if (request.stderr) query.set('error', '1')
  if (request.tty) query.set('tty', '1')
  for (const word of verb === 'exec' ? request.command : []) query.append('command', word)
  return { path: [verb, ...of, container], query }
}
