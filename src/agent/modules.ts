import { tokenSources } from '../kube/forge/tokens.ts'
import type { Dependencies } from './pods/dependencies.ts'
import type { References } from './sync/references.ts'

/** The parts of an agent, each of which can be switched off. */
export const MODULES = ['node', 'pods', 'sync', 'tokens', 'events', 'kubelet'] as const
export type AgentModule = (typeof MODULES)[number]

/** @throws Error naming the setting */
export function parseModules(names: readonly string[]): ReadonlySet<AgentModule> {
  const known: readonly string[] = MODULES
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0 || names.length === 0) {
    throw new Error(
      `--modules: must be some of ${MODULES.join(', ')}${unknown.length > 0 ? `, not ${unknown.join(', ')}` : ''}`,
    )
  }
  return new Set(names as AgentModule[])
}

/** Whether one of them writes: a process that only serves the port does not ask for the writer lease. */
export function writes(modules: ReadonlySet<AgentModule>): boolean {
  return modules.has('node') || modules.has('pods') || modules.has('events')
}

/** Without `sync`: Secrets and ConfigMaps are there behind the gateway, or will be, by somebody else's doing. */
export const noReferences: References = {
  hold() {},
  release() {},
  lacking: () => ({ unread: [], missing: [] }),
  settled: async () => {},
  uses: () => false,
}

/** Without `tokens`: a pod that mounts one waits and says so, rather than start without or hang in the data plane. */
export function withoutTokens(dependencies: Dependencies): Dependencies {
  return {
    ...dependencies,
    async settle(pod) {
      if (tokenSources(pod).length === 0) return dependencies.settle(pod)
      return {
        reason: 'TokensSwitchedOff',
        message:
          'The agent runs without its module `tokens`: the pod needs automountServiceAccountToken: false and no token volume.',
        until: 'object',
      }
    },
  }
}
