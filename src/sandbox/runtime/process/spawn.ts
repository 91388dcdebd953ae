import { spawnPlain } from './plain.ts'
import type { Reaper } from './reaper.ts'
import { spawnTty } from './tty.ts'
import type { SpawnProcess } from './types.ts'

/** Starts processes that end when this one ends. */
export function makeSpawn(reaper: Reaper): SpawnProcess {
  return (input) => (input.tty ? spawnTty(input, reaper) : spawnPlain(input, reaper))
}
