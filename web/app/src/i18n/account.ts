import { englishAccount } from './en-account.js';
import { wordsWith } from './index.js';
import { chineseAccount } from './zh-account.js';

/** The page's words, and those of the screens of one’s own account. */
export const t = wordsWith(englishAccount, chineseAccount);
