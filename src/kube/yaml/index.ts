export { parseStrictYaml, YamlError } from './strict-yaml.ts'
