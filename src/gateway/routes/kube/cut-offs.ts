import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { CutOff, Directory } from '../../directory/index.ts'
import type { Principal } from '../../tokens/principal.ts'

/** Ends what runs of a principal as soon as it is revoked, suspended or deleted. */
export interface CutOffs {
  /** A signal that aborts with the first cut-off of this principal. Call `done` when the request has ended. */
  track(principal: Principal): { signal: AbortSignal; done(): void }
  close(): void
}

interface Tracked {
  principal: Principal
  controller: AbortController
}

/** Follows the directory's cut-offs for every open request of this replica (C9). */
export function createCutOffs(directory: Directory): CutOffs {
  const tracked = new Set<Tracked>()
  const stop = directory.onCutOff((cutOff) => {
    for (const { principal, controller } of [...tracked]) {
      if (concerns(cutOff, principal)) controller.abort(reasonOf(cutOff))
    }
  })
  return {
    track(principal) {
      const entry = { principal, controller: new AbortController() }
      tracked.add(entry)
      return { signal: entry.controller.signal, done: () => tracked.delete(entry) }
    },
    close: stop,
  }
}

function concerns({ scope, id }: CutOff, principal: Principal): boolean {
  switch (scope) {
    case 'tenant':
      return principal.tenantId === id
    case 'node':
      return principal.nodeId === id
    case 'credential':
      return principal.credentialId === id
    case 'session':
      return false
  }
}

/** What a client that is cut off is told, where it still listens. */
export function reasonOf(cutOff: CutOff): IsthmusError {
  if (cutOff.reason === 'suspended') return new IsthmusError('suspended', 'The tenant is suspended')
  if (cutOff.reason === 'limited') return new IsthmusError('forbidden', 'The credential may do less now')
  if (cutOff.reason === 'killed') return new IsthmusError('forbidden', 'The session was ended by an operator')
  return new IsthmusError('unauthenticated', 'The credential is no longer valid')
}
