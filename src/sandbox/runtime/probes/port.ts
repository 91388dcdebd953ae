import type { ContainerSpec } from '../types.ts'

/** A probe's or hook's port: a number, or the name of one of the container's ports. @throws Error when there is none. */
export function portNumber(port: unknown, container: ContainerSpec): number {
  const named = container.ports?.find((candidate) => candidate.name === port)?.containerPort
  const found = named ?? Number(port)
  if (!Number.isInteger(found) || found < 1 || found > 65_535) {
    throw new Error(`couldn't find port: ${JSON.stringify(port)}`)
  }
  return found
}
