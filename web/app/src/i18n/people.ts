import { englishPeople } from './en-people.js';
import { wordsWith } from './index.js';
import { chinesePeople } from './zh-people.js';

/** The page's words, and those of the screens for administrators. */
export const t = wordsWith(englishPeople, chinesePeople);
