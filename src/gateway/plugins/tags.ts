import { IsthmusError } from '../../protocol/errors/index.ts'

/** A revision as an ETag. */
export const etagOf = (revision: number) => `"${revision}"`

/** The revision that `If-Match` asks for; undefined without one or with `*`. @throws precondition_failed for one that is not ours */
export function revisionOf(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  const match = /^(?:W\/)?"(\d{1,15})"$/.exec(header.trim())
  if (!match) throw new IsthmusError('precondition_failed', 'If-Match names no revision of this object.')
  return Number(match[1])
}
