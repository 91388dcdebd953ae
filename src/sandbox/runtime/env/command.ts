import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { builtinCommand } from '../builtin/images.ts'
import type { ContainerSpec } from '../types.ts'
import { ContainerConfigError } from './config-error.ts'
import { expand } from './expand.ts'

/**
 * What a container runs: `command` and `args` with `$(NAME)` expanded. Images are not run; one that is built in stands
 * for its command. @throws ContainerConfigError (ErrImagePull) for any other image without a command.
 */
export function containerCommand(container: ContainerSpec, env: Record<string, string>): string[] {
  const lookup = (name: string) => env[name]
  const args = (container.args ?? []).map((arg) => expand(arg, lookup))
  if (container.command?.length) return [...container.command.map((arg) => expand(arg, lookup)), ...args]
  const builtin = builtinCommand(container.image ?? '')
  if (builtin) return [...builtin, ...args]
  throw new ContainerConfigError(
    `the sandbox runs processes of this machine, not images: give the container a command (image "${container.image ?? ''}" is only noted)`,
    'ErrImagePull',
  )
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * The file that a command's first word means, looked for as execvp does.
 * @throws Error with the text that a container runtime gives, which ends in `executable file not found in $PATH` or
 * `no such file or directory`.
 */
export function findExecutable(word: string, path: string, cwd: string): string {
  if (word.includes('/')) {
    const file = isAbsolute(word) ? word : resolve(cwd, word)
    if (isExecutable(file)) return file
    throw new Error(`exec: "${word}": stat ${word}: no such file or directory`)
  }
  for (const dir of path.split(delimiter)) {
    if (dir && word && isExecutable(join(dir, word))) return join(dir, word)
  }
  throw new Error(`exec: "${word}": executable file not found in $PATH`)
}
