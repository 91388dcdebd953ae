import { IsthmusError } from '../../../../protocol/errors/index.ts'

/** exec, attach and portforward without an upgrade, in a real API server's words; upgrades never come here. */
export async function needsUpgrade(): Promise<never> {
  throw new IsthmusError('bad_request', 'Upgrade request required')
}
