import { useStore } from '../lib/store';
import { setTheme, theme, type Theme } from '../lib/theme';
import { Icon, type IconName } from '../ui/icon';
import { Menu } from '../ui/menu';

const choices: { value: Theme; label: string; icon: IconName }[] = [
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
  { value: 'system', label: 'As the system', icon: 'system' },
];

export function ThemeSwitch() {
  const now = useStore(theme);
  const current = choices.find((c) => c.value === now);
  return (
    <Menu
      label={`Appearance: ${current?.label ?? ''}`}
      testid="theme-switch"
      button={<Icon name={current?.icon ?? 'system'} />}
      entries={choices.map((c) => ({
        label: <><Icon name={c.icon} size={18} />{c.label}{c.value === now && <Icon name="check" size={16} class="trailing" />}</>,
        checked: c.value === now,
        testid: `theme-${c.value}`,
        run: () => setTheme(c.value),
      }))}
    />
  );
}
