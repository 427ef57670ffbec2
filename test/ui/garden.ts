/** The folder that the people of the ui lane share: something to read, something to leave out, some bytes. */
import { join } from 'node:path'
import { executable, makeTree, randomBytes, symbolicLink, type Tree } from '../support/folders'

export const readme = [
  '# The garden behind the house',
  '',
  'What grows where, and who waters it. Beds are numbered from the gate.',
  '',
  '- `beds/` has one file per bed',
  '- `seeds.csv` lists what we have',
  '',
].join('\n')

export const tomatoes = [
  '# Tomatoes',
  '',
  'Sown in March, planted out after the last frost.',
  'Water the roots, never the leaves.',
  '',
].join('\n')

const shared: Tree = {
  'README.md': readme,
  beds: {
    'herbs.md': '# Herbs\n\nThyme, sage and chives. Mint has a pot of its own.\n',
    'tomatoes.md': tomatoes,
  },
  'plan.bin': randomBytes(700_000, 3),
  'seeds.csv': 'name,packets\nbasil,3\nchives,1\nradish,5\n',
  'water.sh': executable('#!/bin/sh\necho "ten minutes per bed"\n'),
  '.gitignore': 'compost/\ndiary.txt\n',
}

/** Left out: a secret, what .gitignore names, and a link that leads out of the folder. */
const leftOut: Tree = {
  '.env': 'WEATHER_TOKEN=not-for-others\n',
  compost: { 'old.txt': 'leaves\n', 'older.txt': 'twigs\n' },
  'diary.txt': 'Today it rained.\n',
  gate: symbolicLink('..'),
}

/** Makes the folder `garden` in a home. → its path */
export function makeGarden(home: string): Promise<string> {
  return makeTree(join(home, 'garden'), { ...shared, ...leftOut })
}
