import { homedir } from 'node:os'
import { join } from 'node:path'

/** What the CLI takes from its surroundings; read once, in main.ts. */
export interface CliEnvironment {
  env: Readonly<Record<string, string | undefined>>
  stdout: { write(text: string): unknown; isTTY?: boolean }
  stderr: { write(text: string): unknown }
  now: () => number
  /** Folder for credentials that `isthmus kubeconfig` makes. */
  configFolder: string
}

/** The surroundings of this process. */
export function processEnvironment(): CliEnvironment {
  const env = process.env
  return {
    env,
    stdout: process.stdout,
    stderr: process.stderr,
    now: Date.now,
    configFolder: join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'isthmus'),
  }
}
