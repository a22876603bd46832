import type { Organization } from '../api/hub';
import { currentPlace, navigate } from '../lib/router';
import { chooseOrganization } from '../session';
import { Icon } from '../ui/icon';
import { Menu } from '../ui/menu';
import { announce } from '../ui/toast';

/** Chooses whose data the pages show. */
export function OrganizationSwitcher({ organizations, current }: { organizations: Organization[]; current: Organization }) {
  const choose = (o: Organization): void => {
    if (o.uid === current.uid) return;
    chooseOrganization(o);
    announce(`Now showing ${o.name}`);
    // A record of one organization is not in another.
    const { path } = currentPlace();
    const [, root, collection, id] = path.split('/');
    if (root === 'data' && id) navigate(`/data/${collection}`);
  };
  return (
    <Menu
      label={`Organization: ${current.name}. Switch`}
      buttonClass="org-button"
      align="start"
      testid="org-switcher"
      button={
        <>
          <Icon name="building" size={18} />
          <span class="org-name" data-testid="org-current">{current.name}</span>
          <Icon name="chevron" size={16} />
        </>
      }
      entries={[
        { kind: 'heading', label: 'Organizations' },
        ...organizations.map((o) => ({
          label: (
            <span class="org-entry">
              <span class="org-entry-check">{o.uid === current.uid && <Icon name="check" size={18} />}</span>
              <span class="org-entry-text"><b>{o.name}</b>{o.current_user_role && <small>{o.current_user_role}</small>}</span>
            </span>
          ),
          checked: o.uid === current.uid,
          testid: `org-${o.uid}`,
          run: () => choose(o),
        })),
      ]}
    />
  );
}
